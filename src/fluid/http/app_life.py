"""The life of an application that is served: its start-up and its shutdown, as ASGI has them.

uvicorn's own is not used: it keeps the application's error to its log, and it has a task that
nobody refers to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from .. import events, tasks
from ..errors import FluidError, WorkerStartError
from ..texts import error_text, one_line
from ..worker.crew import Crew
from ..worker.life import Life
from .asgi import ASGIApp, Message

logger: logging.Logger = logging.getLogger("fluid.http")

STARTED, STOPPED = "lifespan.startup.complete", "lifespan.shutdown.complete"
START_FAILED, STOP_FAILED = "lifespan.startup.failed", "lifespan.shutdown.failed"


class AppLife:
    """One life of an application, in a task of its own that ends with the worker.

    Args:
        app: The application.
        life: The life of the worker that serves it.
        is_needed: Whether an application that knows nothing of this fails the start.
    """

    def __init__(self, app: ASGIApp, life: Life, *, is_needed: bool) -> None:
        self.state: dict[str, Any] = {}
        """What the application has put there at its start, for its requests."""
        self._app: ASGIApp = app
        self._life: Life = life
        self._is_needed: bool = is_needed
        self._crew: Crew = Crew(life, leave=self._leave, on_end=self._ended)
        self._tasks: list[asyncio.Task[Any]] = []
        """Its own, once it runs: where that waits is where the start or the stop does."""
        self._orders: Iterator[str] = iter(("startup", "shutdown"))
        self._said: set[str] = set()
        self._words: str = "failed"
        self._failure: BaseException | None = None
        self._answered: asyncio.Event = asyncio.Event()
        self._must_stop: asyncio.Event = asyncio.Event()
        self._broke: asyncio.Event = asyncio.Event()

    async def start(self) -> None:
        """Starts the application; one that knows no such thing has started.

        Raises:
            BaseException: What the application raised.
            WorkerStartError: If it only said that it has failed.

        Cancellation: The application is cancelled, and its end waited for.
        """
        self._crew.spawn(self._live(), f"{self._life.name} lifespan")
        await self._answer()
        if STARTED in self._said:
            return
        if START_FAILED in self._said or (self._failure is not None and self._is_needed):
            await self._end()
            raise self._take_failure() or WorkerStartError(f"the application {self._words}")
        why = "it returned" if self._failure is None else error_text(self._failure)
        logger.debug("the application has no lifespan (%s)", why)
        self._failure = None

    async def broken(self) -> None:
        """Waits for as long as the application is well; raises what ended it.

        Cancellation: Safe.
        """
        await self._broke.wait()
        raise self._take_failure() or FluidError("the application has ended")

    async def stop(self) -> None:
        """Has the application clean up, and ends its task; nothing if that has ended well.

        Raises:
            BaseException: What the application raised, now or since nobody asked any more.
            FluidError: If it only said that it has failed.

        Cancellation: The application is cancelled, and its end waited for.
        """
        if STARTED not in self._said and not len(self._crew):
            return
        if len(self._crew):
            self._answered.clear()
            self._must_stop.set()
            await self._answer()
            await self._end()
        if self._failure is not None or STOP_FAILED in self._said:
            raise self._take_failure() or FluidError(f"the application {self._words}")

    # --- waiting for it --------------------------------------------------------------------------

    async def _answer(self) -> None:
        """Waits until it has done what it was told, or has ended."""
        try:
            await tasks.on_behalf_of(self._tasks, self._answered.wait())
        except asyncio.CancelledError:
            self._crew.interrupted()
            await self._crew.ended()
            raise

    async def _end(self) -> None:
        """Waits for the end of an application that has nothing more to do; not for long."""
        await tasks.pause()
        if len(self._crew):
            self._crew.interrupted()
        await self._crew.ended()

    def _take_failure(self) -> BaseException | None:
        failure, self._failure = self._failure, None
        try:
            return failure
        finally:
            del failure  # whoever raises it next is in its traceback: that would be a cycle

    def _ended(self) -> None:
        self._answered.set()
        if self._failure is not None and STARTED in self._said and not self._must_stop.is_set():
            self._broke.set()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._life.leave_alone(task)
        self._life.core.emit(events.HandlerAbandoned, tasks.await_stack(task))

    # --- the application's side ------------------------------------------------------------------

    async def _live(self) -> None:
        """Runs the application; nothing that it raises leaves the task."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except GeneratorExit:  # the loop is being torn down
            raise
        except BaseException as error:
            if not (self._crew.is_cut and isinstance(error, asyncio.CancelledError)):
                self._failure = error

    async def _receive(self) -> Message:
        match next(self._orders, None):
            case "startup":
                return {"type": "lifespan.startup"}
            case "shutdown":
                await self._must_stop.wait()
                return {"type": "lifespan.shutdown"}
        await asyncio.Event().wait()  # it was told everything: an endless loop ends by its cancel
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self._said.add(message["type"])
        lines = str(message.get("message") or "").strip().splitlines()
        self._words = one_line(lines[-1]) if lines else "failed"  # of a traceback, the error
        self._answered.set()
