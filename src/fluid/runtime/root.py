"""The root worker of a process, from its start to its end, whoever wants that end and however."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from .. import events, logs, tasks
from ..errors import FluidError, WorkerStartError
from ..worker import Worker
from .exit_codes import Facts
from .signal_count import Request

logger: logging.Logger = logging.getLogger("fluid.runtime")


class Root:
    """A worker on an event loop of its own."""

    def __init__(self, worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
        self.facts: Facts = Facts()
        self._worker: Worker = worker
        self._loop: asyncio.AbstractEventLoop = loop
        self._starter: asyncio.Task[None] | None = None
        """The task that is inside ``startup()``, while one is."""
        self._stop_asked: bool = False

    def live_out(self) -> None:
        """Runs the loop until the worker has ended.

        Whatever ends the loop before, a ``SystemExit`` from ``after_shutdown`` for one, or a call
        of ``loop.stop()``, is a request to stop; everybody still gets the time for it.
        """
        life = tasks.spawn(
            self._live(), loop=self._loop, name="fluid.run", on_end=lambda _: self._loop.stop()
        )
        while not life.done():
            with self.noting_exits():
                self._loop.run_forever()
            if not life.done():
                self._loop.call_soon(self.stop)
        if not life.cancelled():
            life.result()

    @contextmanager
    def noting_exits(self) -> Iterator[None]:
        """Notes what asks for the end of the process, instead of letting it through."""
        try:
            yield
        except (SystemExit, KeyboardInterrupt) as error:
            if self.facts.escaped is None:
                self.facts.escaped = error

    # --- stopping, in the loop -------------------------------------------------------------------

    def obey(self, request: Request, number: int) -> None:
        """Does what a signal asks for."""
        name, path = signal.Signals(number).name, self._worker.worker_path
        if request is Request.STOP:
            text = "%s: %s is to stop; a second signal takes away its grace"
            logs.safely(logger.info, text, name, path)
            self.stop()
        else:
            text = "%s: %s is to stop at once; a third signal kills"
            logs.safely(logger.warning, text, name, path)
            self.force()

    def stop(self) -> None:
        """Asks the worker to stop, once, and sees to it that its bound holds.

        A start that is under way is given up. An override of ``gracefully_stop`` may raise, or not
        pass the request on.
        """
        if self._stop_asked:
            return
        self._stop_asked = True
        core = self._worker._worker
        try:
            self._worker.gracefully_stop()
        except BaseException as error:
            core.emit(events.SecondaryError, "gracefully_stop", error)
            core.ask_to_stop()
            if not isinstance(error, Exception):
                raise
        finally:
            if core.life is not None:
                core.life.bound_stop()
            self._give_up_start()

    def force(self) -> None:
        """Takes away what is left of the grace."""
        self._worker._worker.force()
        self._give_up_start()

    def _give_up_start(self) -> None:
        if self._starter is not None:
            tasks.cancel(self._starter, "fluid: the process was asked to stop")

    # --- living ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        if self._stop_asked:  # by a signal that came before the loop ran
            return
        await self._start()
        await self._wait_for_end()

    async def _start(self) -> None:
        worker = self._worker
        self._starter = asyncio.current_task()
        try:
            await worker.startup()
            if not worker.has_started():
                raise WorkerStartError(
                    f"worker {worker.worker_name!r} did not start: "
                    f"its startup() did not call super().startup()"
                )
        except BaseException as error:
            self._note_failed_start(error)
        finally:
            self._starter = None

    def _note_failed_start(self, error: BaseException) -> None:
        """Tells a start that failed from one that was stopped; a stop may fail as well."""
        life, record = self._worker._worker.life, self._worker.worker_exit
        own_error = None if record is None else record.exception
        was_asked = self._stop_asked or (life is not None and life.stop_asked)
        if was_asked and isinstance(error, asyncio.CancelledError | WorkerStartError):
            self.facts.start_error = own_error
            return
        self.facts.start_error = error
        if error is not own_error and not isinstance(error, FluidError | SystemExit):
            # It came from an override of startup(): no life has failed, so no event has told of it.
            path = self._worker.worker_path
            logs.safely(logger.error, "worker %s did not start", path, exc_info=error)

    async def _wait_for_end(self) -> None:
        facts, life = self.facts, self._worker._worker.life
        if life is None:
            return
        if facts.start_error is not None:  # an override of startup() may fail and leave it running
            self._loop.call_soon(self.stop)
        while life.outcome is None:
            try:
                await life.wait_ended()
            except asyncio.CancelledError:  # whoever cancels all the tasks there are wants an end
                self._loop.call_soon(self.stop)
        facts.origin = life.origin
        if life.outcome.exception is not facts.start_error:
            facts.error = life.outcome.exception
