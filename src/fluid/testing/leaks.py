"""Compares before and after: whatever a block of code began and did not end is named.

What there is to compare is listed in :mod:`fluid.testing.belongings`. Nothing here ends anything:
that is up to whoever forgot it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum, auto
from types import TracebackType
from typing import Any, Self

from ..errors import FluidValueError
from ..tasks import await_stack, pause
from . import belongings
from .errors import LeakError
from .pending import PendingTask, tasks_of

PASSES = 10
"""Passes of the loop in which ``async with`` lets things end."""

ROUNDS = 10
"""Collections that older garbage gets: finalizers that one of them runs make work for the next."""

THREAD_PATIENCE = 0.1
"""Seconds of real time that all threads together have to end: the operating system may take its
time with one that has nothing left to do."""


class LeakKind(StrEnum):
    """What a block can leave behind; the value is the attribute of :class:`LeakError`."""

    TASKS = auto()
    """Tasks of the running loop that have not ended."""
    GENERATORS = auto()
    """Async generators of the running loop that were begun and neither ended nor closed."""
    TIMERS = auto()
    """Timers of the running loop that are neither due nor cancelled."""
    THREADS = auto()
    """Threads that have not ended; those of the running loop's own executor do not count."""
    PROCESSES = auto()
    """Child processes that have not ended, or that nobody has waited for."""
    DESCRIPTORS = auto()
    """File descriptors that nobody closed."""
    GARBAGE = auto()
    """Objects that refer to one another, so that only the garbage collector can free them."""


def leaks(*, ignore: Collection[LeakKind] = ()) -> Leaks:
    """Fails if the block of the ``with`` leaves anything behind that was not there before.

    It works inside of a running loop and outside of any, where only what belongs to the process
    counts: around a part of ``main``, or around a whole ``run(main)``.

    A task counts if it has not ended, unless a cancel is on its way to it: ``cancel()`` was called
    and the task has not had the step in which it learns of it. A thread has a tenth of a second of
    real time to end. ``async with leaks():`` is more patient: before it looks, the loop gets ten
    passes, so that tasks can take their last steps and transports can close. The timer that a task
    sleeps on is not told beside the task.

    While the block runs, the garbage collector runs only when it is called, and what that call
    frees is not seen. What Python starts once and keeps (the helpers of ``multiprocessing``)
    counts the first time. uvloop does not tell of its timers, nor which threads are its own.

    Args:
        ignore: The kinds to leave out. Default none. Leaving GARBAGE out saves the time of three
            full collections.

    Returns:
        What stands behind ``with`` or ``async with``.

    Raises:
        LeakError: At the end of the block, if it left something. If the block raises, its own
            exception goes on, and what it left is a note on it.
        FluidValueError: If there is no such kind.
    """
    if not all(isinstance(kind, LeakKind) for kind in ignore):
        raise FluidValueError(
            f"leaks() cannot ignore {ignore!r}: that is no collection of LeakKind; "
            f"write  leaks(ignore=[LeakKind.THREADS])"
        )
    return Leaks(frozenset(LeakKind) - frozenset(ignore))


class Leaks:
    """What :func:`leaks` returns: it remembers what there was, and judges what there is."""

    def __init__(self, kinds: frozenset[LeakKind]) -> None:
        self._kinds = kinds

    def __enter__(self) -> Self:
        loop = self._loop = asyncio._get_running_loop()
        here: list[Any] = belongings.threads_beside(None)
        if loop is not None:
            here += asyncio.all_tasks(loop)
            here += belongings.generators_of(loop)
            here += belongings.timers_of(loop)
        self._here = belongings.Seen(here)
        self._processes = belongings.processes()
        self._descriptors = belongings.descriptors()
        self._collector_was_on = gc.isenabled()
        if LeakKind.GARBAGE in self._kinds:
            _collect_all()
            gc.disable()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            leak = self._leak()
        finally:
            self._loop = None
            if self._collector_was_on:
                gc.enable()
        if leak is not None and error is not None:
            error.add_note(f"also: {leak}")
        elif leak is not None:
            try:
                raise leak
            finally:
                del leak  # its traceback leads to this frame: that would be a cycle

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            for _ in range(PASSES):
                await pause()
        except BaseException as interrupted:
            self.__exit__(type(interrupted), interrupted, None)
            raise
        self.__exit__(kind, error, traceback)

    # What is left, kind by kind

    def _leak(self) -> LeakError | None:
        find: dict[LeakKind, Callable[[], Sequence[Any]]] = {
            LeakKind.TASKS: self._tasks,
            LeakKind.GENERATORS: self._generators,
            LeakKind.TIMERS: self._timers,
            LeakKind.THREADS: self._threads,
            LeakKind.PROCESSES: self._new_processes,
            LeakKind.DESCRIPTORS: self._new_descriptors,
            LeakKind.GARBAGE: belongings.garbage,  # last: it frees what it finds
        }
        left = {kind.value: find[kind]() for kind in find if kind in self._kinds}
        if not any(left.values()):
            return None
        return LeakError("the block has ended and left alive:", **left)

    def _new_tasks(self) -> list[asyncio.Task[object]]:
        tasks = [] if self._loop is None else tasks_of(self._loop)
        return [task for task in tasks if task not in self._here]

    def _tasks(self) -> list[PendingTask]:
        return [
            PendingTask(task.get_name(), await_stack(task))
            for task in self._new_tasks()
            if not _is_being_cancelled(task)
        ]

    def _generators(self) -> list[str]:
        generators = [] if self._loop is None else belongings.generators_of(self._loop)
        return sorted(
            belongings.generator_text(agen) for agen in generators if agen not in self._here
        )

    def _timers(self) -> list[str]:
        timers = [] if self._loop is None else belongings.timers_of(self._loop)
        tasks = self._new_tasks()
        return [
            belongings.timer_text(timer)
            for timer in timers
            if timer not in self._here and not belongings.wakes(timer, tasks)
        ]

    def _threads(self) -> list[str]:
        patient_until = time.monotonic() + THREAD_PATIENCE
        threads = [
            thread for thread in belongings.threads_beside(self._loop) if thread not in self._here
        ]
        for thread in threads:
            thread.join(max(patient_until - time.monotonic(), 0))
        return sorted(thread.name for thread in threads if thread.is_alive())

    def _new_processes(self) -> list[str]:
        now = belongings.processes()
        return [f"{pid} ({now[pid]})" for pid in sorted(now.keys() - self._processes.keys())]

    def _new_descriptors(self) -> list[str]:
        # A number may have been closed and used again, for something else.
        new = belongings.descriptors().items() - self._descriptors.items()
        return [f"{number} ({target})" if target else str(number) for number, target in sorted(new)]


def _is_being_cancelled(future: asyncio.Future[Any]) -> bool:
    """Returns whether a cancel is on its way, through what the task awaits, and not there yet."""
    awaited = getattr(future, "_fut_waiter", None)
    return (
        future.cancelled()
        or getattr(future, "_must_cancel", False)
        or getattr(future, "_cancel_requested", False)  # by asyncio.gather, for its children
        or (awaited is not None and _is_being_cancelled(awaited))
    )


def _collect_all() -> None:
    for _ in range(ROUNDS):
        if not gc.collect():
            return
