"""The worker: what a user subclasses, and every verb that the user has.

Each method here is a promise and a line or two; how the promise is kept is in ``core.py`` (who a
worker is) and ``life.py`` (what one life of it does).
"""

from __future__ import annotations

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, TypeVar, overload

from .. import events
from ..errors import FluidError
from ..rules.lifecycle import FINAL_STATES, RUNNING, STOPPING, WorkerState
from ..texts import error_text
from .core import Core, core_of
from .exit import WorkerExit
from .hooks import default, misspelt
from .start import until_started

T = TypeVar("T")
D = TypeVar("D")
M_contra = TypeVar("M_contra", contravariant=True)


class Worker(ABC):
    """A long-running job: subclass it and write ``async def run(self)``.

    ::

        import asyncio

        from fluid.utils.worker import Worker


        class Ticker(Worker):
            async def run(self) -> None:
                while await self.sleep(0.1):
                    print("tick")


        async def main() -> None:
            async with Ticker():
                await asyncio.sleep(0.35)


        asyncio.run(main())

    ``on_startup``, ``run``, ``on_shutdown`` and the worker's exit stack run in one task and one
    context, in that order. However the worker ends, it ends in bounded time
    (``worker_stop_bound``), with one outcome (``worker_exit``), told to everybody who waits.

    Args:
        name: What it is called; the class name in snake_case by default.
        stopping_grace_period: Seconds from a request to stop until it is cancelled;
            ``FLUID_STOPPING_GRACE_PERIOD`` from the environment by default, else 10. 0 cancels at
            once, ``math.inf`` never.

    Raises:
        FluidValueError: If the grace period, or the variable, is not a duration.
    """

    announces_readiness: ClassVar[bool] = False
    """If True, it is ready when it calls :meth:`set_ready`, not when ``on_startup`` ends."""
    start_timeout: float | None = None
    """Seconds after which a start that is not ready has failed; None for no limit."""
    cancel_period: float = 1.0
    """Seconds from the first cancel to the second, and from there to being abandoned."""
    cleanup_period: float = 5.0
    """Seconds for ``on_shutdown`` and the exit stack together, from the end of ``run``."""

    _worker_core_type: ClassVar[type[Core]] = Core
    _worker: Core

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, hook in misspelt(vars(cls)):
            message = f"{cls.__qualname__}.{name} is no hook and is never called: it is {hook}"
            warnings.warn(message, stacklevel=3)  # past abc, to the class statement

    def __init__(self, *, name: str = "", stopping_grace_period: float | None = None) -> None:
        self._worker = self._worker_core_type(self, name, stopping_grace_period)

    # --- what a subclass writes ------------------------------------------------------------------

    @abstractmethod
    async def run(self) -> None:
        """Does the worker's work, until it is done or ``is_running()`` is false.

        Cancellation: Comes when the grace period of a stop is over, again a ``cancel_period``
        later, and when a heartbeat is lost; to return or to let it through is the same. A cancel by
        somebody else fails the worker.
        """

    @default
    async def on_startup(self) -> None:
        """Is awaited before ``run``; the worker is not ready before it ends.

        A stop, a cancelled starter and the start-up limit all cancel it; then neither ``run`` nor
        ``on_shutdown`` is called, and what is on the exit stack is closed.
        """

    @default
    async def on_shutdown(self) -> None:
        """Is awaited once after ``run``, whatever ended it, if ``on_startup`` had completed.

        Cancellation: Comes when the ``cleanup_period`` is over; the worker has then failed with a
        ``CleanupTimeoutError``.
        """

    def after_shutdown(self, reason: str, code: int) -> None:
        """Is called last, when the outcome is known.

        An exception is logged and changes nothing; ``SystemExit`` ends the process.

        Args:
            reason: "normal shutdown", "stopped during start-up", "forced shutdown", or the text
                of the exception.
            code: 0 clean, 1 forced, 2 failed.
        """

    async def status(self) -> dict[str, Any]:
        """Returns what there is to say about the worker now, as JSON-able data.

        ``running`` and ``stopping`` are always in it. An override adds to what this one returns.

        Cancellation: Safe. A group that asks its children cancels who takes longer than a second.
        """
        from .tree import describe  # here, because a program that never asks need not load it

        return describe(self._worker)

    def workers(self) -> Iterator[Worker]:
        """Yields the worker itself, or a group's children."""
        yield self

    # --- what it is ------------------------------------------------------------------------------

    @property
    def worker_name(self) -> str:
        """The name."""
        return self._worker.name

    @property
    def worker_state(self) -> WorkerState:
        """The state; STOPPING from the moment a stop was asked for."""
        return self._worker.state

    @property
    def worker_path(self) -> str:
        """The names from the root of the tree down to this worker, as in ``app/ingest/parser``."""
        return self._worker.path

    @property
    def worker_parent(self) -> Worker | None:
        """The group that the worker is in."""
        parent = self._worker.parent()
        return None if parent is None else parent.owner()

    @property
    def worker_exit(self) -> WorkerExit | None:
        """The record of the worker's end; None until there is one."""
        return self._worker.exit_record()

    @property
    def worker_stop_bound(self) -> float:
        """The longest that a stop can take, in seconds."""
        return self._worker.bound(self)

    @property
    def worker_exit_stack(self) -> AsyncExitStack:
        """What is entered here is closed after ``on_shutdown``, also if ``on_startup`` fails.

        It is closed in the worker's own task, last in first out, and sees the error that ended
        ``run``, as if it had been an ``async with`` around it.

        Raises:
            FluidError: If the worker is not alive, because nobody would close the stack.
        """
        life = self._worker.life
        if life is None or life.outcome is not None:
            raise FluidError(
                f"worker {self.worker_name!r} has no exit stack: it is {self.worker_state.value}; "
                f"enter resources in on_startup() or run()"
            )
        if life.exit_stack is None:
            life.exit_stack = AsyncExitStack()
        return life.exit_stack

    @property
    def num_workers(self) -> int:
        """1 for a single worker, the number of children for a group."""
        return 1

    def worker_tree(self) -> dict[str, Any]:
        """Returns the worker and all below it as JSON-able data."""
        from .tree import describe_tree  # as in status()

        return describe_tree(self)

    def has_started(self) -> bool:
        """Returns False in INIT, True ever after."""
        return self._worker.life is not None

    def is_running(self) -> bool:
        """Returns True from the start until a stop is asked for or ``run`` has ended."""
        life = self._worker.life
        return life is not None and life.state is RUNNING and not life.stop_asked

    def is_stopping(self) -> bool:
        """Returns True from the request to stop, or the end of ``run``, until the end."""
        return self._worker.state is STOPPING

    def is_stopped(self) -> bool:
        """Returns True in every final state."""
        return self._worker.state in FINAL_STATES

    def is_ready(self) -> bool:
        """Returns True while the worker is ready: never before, and not once it has to stop."""
        return self._worker.is_ready()

    # --- starting --------------------------------------------------------------------------------

    @default
    async def startup(self) -> None:
        """Starts the worker and returns when it is ready.

        Raises:
            WorkerStartError: If it was started before, or was stopped before it was ready.
            StartTimeoutError: If it was not ready within ``start_timeout``; the error has the
                place where it was waiting.
            BaseException: What ``on_startup`` raised, or ``run`` before it was ready. Cleanup is
                over by then.

        Cancellation: The start is given up and cleaned up, in bounded time, before the cancel
        goes on.
        """
        core = core_of(self)
        await until_started(core.start(self))

    def set_ready(self) -> None:
        """Announces that the worker is ready; for ``announces_readiness``. Idempotent."""
        life = self._worker.life
        if life is not None:
            life.become_ready()

    async def wait_ready(self) -> None:
        """Waits until the worker is ready.

        Raises:
            WorkerStartError: If it has ended, or has to stop, before it is.

        Cancellation: Safe; the worker is not touched.
        """
        await self._worker.wait_ready()

    def beat(self) -> None:
        """Says that the worker makes progress; nothing where nobody watches it.

        For a child with a ``heartbeat_timeout``: its supervisor takes it for failed when this has
        not been called for so long. From any thread. A beat costs next to nothing.
        """
        life = self._worker.life
        if life is not None and (watchdog := life.watchdog) is not None:
            watchdog.beat()

    # --- stopping --------------------------------------------------------------------------------

    @default
    def gracefully_stop(self) -> None:
        """Asks the worker to stop, and returns at once.

        From any thread, a signal handler, or the inside; a second call does nothing, and so does
        one on a worker that is not running. ``worker_state`` reads STOPPING when it returns;
        deadlines, wake-ups and children follow in the next step of the loop.
        """
        self._worker.ask_to_stop()

    async def shutdown(self) -> None:
        """Asks the worker to stop and waits for its end, for ``worker_stop_bound`` at most.

        From inside the worker it only asks, since it cannot wait for itself.

        Raises:
            BaseException: What ended the worker, if an error did. A forced stop is not an error.
            WrongLoopError: If awaited on another loop than the worker's.

        Cancellation: Safe; the stop goes on without the caller.
        """
        core = self._worker
        life = core.life
        if life is not None and life.outcome is None:
            core.check_loop(life, "shutdown")
        self.gracefully_stop()
        if life is not None:
            life.bound_stop()
        if not core.is_inside():
            await core.wait_ended("shutdown")

    async def wait_for_shutdown(self) -> None:
        """Waits for the worker's end, without asking for it; at once if it never started.

        Raises:
            BaseException: What ended the worker, to every caller, also long after the fact.
            WorkerDeadlockError: If awaited from inside the worker.
            WrongLoopError: If awaited on another loop than the worker's.

        Cancellation: Safe; the worker is not touched.
        """
        core = self._worker
        core.refuse_deadlock("wait_for_shutdown")
        await core.wait_ended("wait_for_shutdown")

    async def __aenter__(self) -> Self:
        await self.startup()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            await self.shutdown()
            return
        core = self._worker
        try:
            await self.shutdown()
        except BaseException as error:  # reported by its own event; the body's error goes on
            if isinstance(error, asyncio.CancelledError) and not core.ended_with(error):
                raise  # somebody cancelled us while we waited
            if error is not exc:
                exc.add_note(f"worker {core.path} failed too ({error_text(error)})")

    # --- what a worker does while it runs --------------------------------------------------------

    def sleep(self, seconds: float) -> Coroutine[Any, Any, bool]:
        """Sleeps; ``while await self.sleep(5): ...`` is a loop that a stop ends at once.

        It always gives the loop at least one step. Once a stop was asked for it pauses
        0.01 seconds at the most; in ``on_shutdown`` it sleeps in full.

        Args:
            seconds: For how long; ``math.inf`` until a stop is asked for.

        Returns:
            True if it slept, False if a stop was asked for.

        Raises:
            FluidValueError: If ``seconds`` is not a number (NaN).

        Cancellation: Safe; the sleep ends.
        """
        return self._worker.sleep(seconds)

    @overload
    async def wait_or_stop(self, awaitable: Awaitable[T]) -> T | None: ...
    @overload
    async def wait_or_stop(self, awaitable: Awaitable[T], default: D) -> T | D: ...
    async def wait_or_stop(self, awaitable: Awaitable[T], default: Any = None) -> Any:
        """Waits for ``awaitable``, but no longer than until a stop is asked for.

        A coroutine runs in your own task, and is cancelled when a stop comes first; if it has a
        result all the same, you get that, so that nothing it took is lost. A future or a task stays
        yours and is left alone. In ``on_shutdown`` it waits to the end.

        Args:
            awaitable: What to wait for.
            default: What to return if a stop was asked for first. Default None.

        Returns:
            The result, or ``default`` if a stop was asked for first.

        Raises:
            BaseException: What ``awaitable`` raised.

        Cancellation: A coroutine is cancelled; a future or a task is left alone.
        """
        from .waiting import wait_or_stop  # here, because most programs never load it

        return await wait_or_stop(self._worker, awaitable, default)

    def subscribe(self, listener: Callable[[events.WorkerEvent], None]) -> Callable[[], None]:
        """Calls ``listener`` with every event of this worker and of those below it.

        On the loop's thread, in order. An exception from it is logged and changes nothing else.

        Args:
            listener: What is called; it must not block.

        Returns:
            A function that ends the subscription; calling it again does nothing.
        """
        return self._worker.subscribe(listener)


class HasWorkers(ABC):
    """Something that owns workers."""

    @abstractmethod
    def get_workers(self) -> Sequence[Worker]:
        """Returns the workers."""


class MessageProducer(Protocol[M_contra]):
    """Something that messages can be sent to."""

    def send(self, message: M_contra | None) -> None:
        """Sends ``message``; None is a wake-up."""
