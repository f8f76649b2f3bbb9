"""An event loop with no outside: what becomes of threads, tasks' names, signals, lost exceptions.

Everything that could let the rest of the process decide what happens in a run is refused, done
inline, or kept as data here. When things happen is decided in :mod:`fluid.testing.loop`.
"""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from functools import partial
from itertools import count
from types import AsyncGeneratorType
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack
from weakref import WeakSet

from .belongings import generator_text, generators_of
from .errors import EscapedError, Unhandled
from .refused import NoRealIO

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EAGER_TASK_FACTORY: Any = getattr(asyncio, "eager_task_factory", None)
"""None before Python 3.12."""


class ClosedWorld(NoRealIO, asyncio.BaseEventLoop):
    """The edges of a loop that nothing enters and nothing leaves.

    Real I/O is refused by name. Tasks without a name are called ``task-n``, where n counts the
    tasks of this loop, so that every run gives the same names.

    Attributes:
        unhandled: What reached the default exception handler, in order.
    """

    # Names of BaseEventLoop that its types do not show; tests/testing/test_canary.py watches them.
    _asyncgens: WeakSet[AsyncGeneratorType[Any, Any]]
    _check_closed: Callable[[], None]
    _ready: deque[asyncio.Handle]
    _thread_id: int | None

    def __init__(self) -> None:
        super().__init__()
        self.unhandled: list[Unhandled] = []
        self._task_numbers = count(1)
        self._home_thread = threading.get_ident()
        self._signal_handlers: dict[int, asyncio.Handle] = {}
        self._dropped_generators: WeakSet[AsyncGeneratorType[Any, Any]] = WeakSet()
        self._job_failure: BaseException | None = None

    def _enters(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> None:
        """Schedules what the world outside brings in; a loop that explores lets it be late."""
        self.call_soon(callback, *args, context=context)

    def _write_to_self(self) -> None:
        """Does nothing: the loop never sleeps, so it never has to be woken."""

    # Threads

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Does what ``call_soon`` does on the loop's own thread, and refuses any other.

        Raises:
            EscapedError: In the foreign thread. It is kept in ``unhandled`` too, because an error
                in a thread is easily overlooked.
        """
        self._check_closed()
        if threading.get_ident() == (self._thread_id or self._home_thread):
            return self.call_soon(callback, *args, context=context)
        name = getattr(callback, "__qualname__", repr(callback))
        error = EscapedError(
            f"thread {threading.current_thread().name!r} called "
            f"loop.call_soon_threadsafe({name}): when a real thread calls is not up to the virtual "
            f"loop. Run the function with loop.run_in_executor(), or test it on a real loop."
        )
        self.unhandled.append(Unhandled("a call from another thread was refused", error))
        raise error

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Ts]], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Runs ``func`` in a later callback, on this thread, whatever executor is named.

        As in a thread it finds no running loop and an empty context, and a cancelled waiter does
        not keep it from running. A function that blocks until the loop has moved blocks for ever;
        :func:`hang` stands for one that does.
        """
        self._check_closed()
        outcome: asyncio.Future[T] = self.create_future()
        if not is_hanging(func):
            # One thread takes its jobs in order; several may finish them in any.
            enters = self.call_soon if _has_one_thread(executor) else self._enters
            enters(self._run_job, outcome, func, args, context=contextvars.Context())
        return outcome

    def _run_job(
        self, outcome: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...]
    ) -> None:
        settle: Callable[[Any], None] = outcome.set_result
        value: object
        failure, self._job_failure = self._job_failure, None
        asyncio._set_running_loop(None)
        try:
            if failure is not None:
                raise failure
            value = func(*args)
        except BaseException as error:
            settle, value = outcome.set_exception, error
        finally:
            asyncio._set_running_loop(self)
        if not outcome.cancelled():
            settle(value)

    def fail_next_job(self, error: BaseException) -> None:
        """Makes the next job that an executor would run raise ``error`` in place of running."""
        self._job_failure = error

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Returns at once: no executor was ever given any work."""

    # Tasks

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: contextvars.Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """Like asyncio's; the default name counts the tasks of this loop, not of the process."""
        self._check_closed()
        # Every task counts, also one with a name: some Pythons name it only afterwards.
        number = next(self._task_numbers)
        label = f"task-{number}" if name is None else str(name)
        factory: Any = self.get_task_factory()
        if factory is None or factory is EAGER_TASK_FACTORY:
            # The name is given at once, because an eager task runs before it is returned. And no
            # variable holds the task: its exception's traceback may hold this frame (gh-128552).
            make: Callable[..., asyncio.Task[T]] = factory or _lazy_task
            return make(self, coro, name=label, context=context, **options)
        # Factories differ in whether they take a name: call them as asyncio 3.11 does.
        if context is not None:
            options["context"] = context
        task: asyncio.Task[T] = factory(self, coro, **options)
        task.set_name(label)
        return task

    # Signals

    def add_signal_handler(
        self, sig: int, callback: Callable[[Unpack[Ts]], Any], *args: *Ts
    ) -> None:
        """Sets what :meth:`raise_signal` schedules; the process's own handlers are left alone."""
        self._check_closed()
        self._signal_handlers[signal.Signals(sig)] = asyncio.Handle(callback, args, self)

    def remove_signal_handler(self, sig: int) -> bool:
        """Forgets the handler of ``sig``; returns whether there was one."""
        return self._signal_handlers.pop(sig, None) is not None

    def handles_signal(self, sig: int) -> bool:
        """Returns whether there is a handler of ``sig``."""
        return sig in self._signal_handlers

    def raise_signal(self, sig: int) -> None:
        """Schedules the handler of ``sig``, as if the process had just received the signal.

        Raises:
            EscapedError: If there is no handler: the default action would end a real process.
        """
        handler = self._signal_handlers.get(sig)
        if handler is None:
            raise EscapedError(
                f"signal {signal.Signals(sig).name} has no handler on this loop, and its default "
                f"action is out of reach: call loop.add_signal_handler() first."
            )
        self._enters(self._deliver, sig)

    def _deliver(self, sig: int) -> None:
        # As in asyncio, the handler is looked up now: it may have been removed on the way.
        handler: Any = self._signal_handlers.get(sig)
        if handler is not None:
            handler._run()

    # What nobody else took

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Keeps the report in ``unhandled``, then logs it as every loop does."""
        message = str(context.get("message") or "unhandled exception in the event loop")
        owner = context.get("task", context.get("future"))
        if isinstance(owner, asyncio.Task):
            message = f"{message} ({owner.get_name()})"
        self.unhandled.append(Unhandled(message, context.get("exception")))
        super().default_exception_handler(context)

    def _asyncgen_finalizer_hook(self, agen: AsyncGeneratorType[Any, Any]) -> None:
        # asyncio forgets the generator here and closes it some steps later; until then it is open.
        super()._asyncgen_finalizer_hook(agen)  # type: ignore[misc]
        self._dropped_generators.add(agen)

    def open_generators(self) -> list[str]:
        """Returns the async generators that were begun and neither ended nor closed, as text."""
        return sorted(map(generator_text, generators_of(self)))


def hang() -> NoReturn:
    """Stands for a function that never returns, as the job of an executor on a virtual loop.

    Raises:
        EscapedError: If it is called, by anybody but a virtual loop.
    """
    raise EscapedError(
        "hang() was called, and would never return: hand it to loop.run_in_executor() or "
        "asyncio.to_thread() on a virtual loop, where a job can hang without holding a thread"
    )


def _has_one_thread(executor: Executor | None) -> bool:
    return getattr(executor, "_max_workers", 0) == 1


def is_hanging(job: Any) -> bool:
    """Returns whether ``job`` is :func:`hang`, in a ``partial`` too, as ``to_thread`` has it."""
    while isinstance(job, partial):
        if hang in job.args:
            return True
        job = job.func
    return job is hang


def _lazy_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)
