"""What the testing kit says about the program that it ran or watched.

Each is a verdict on the code under test, with the names and await sites that repair needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import FluidError
from ..rules.lifecycle import WorkerState
from .pending import PendingTask


class VirtualLoopError(FluidError):
    """The base of every verdict.

    Attributes:
        tasks: The tasks that had not ended, with the places where they await.
    """

    def __init__(self, message: str, tasks: Sequence[PendingTask] = ()) -> None:
        super().__init__("\n".join((message, *map(str, tasks))))
        self.tasks: tuple[PendingTask, ...] = tuple(tasks)


class DeadlockError(VirtualLoopError):
    """Nothing can happen any more: no callback is ready, no timer is set, ``main`` is not done."""


class LivelockError(VirtualLoopError):
    """Callbacks follow one another for ever while time stands still."""


class HorizonError(VirtualLoopError):
    """The next timer lies beyond the last instant that the loop was made for."""


class EscapedError(VirtualLoopError):
    """The program reached for the real world: a socket, a file descriptor, a process, a thread."""


class LeakError(VirtualLoopError):
    """Something has ended and left something alive.

    Attributes:
        timers: The callbacks of timers that nobody cancelled, as text.
        generators: The async generators that nobody closed, as text.
        threads: The names of threads that have not ended.
        descriptors: The file descriptors that nobody closed, with what they lead to.
        processes: The child processes that have not ended or that nobody waited for.
        garbage: What only the garbage collector could free: counts of types, most common first.
    """

    def __init__(
        self,
        message: str,
        tasks: Sequence[PendingTask] = (),
        *,
        timers: Sequence[str] = (),
        generators: Sequence[str] = (),
        threads: Sequence[str] = (),
        descriptors: Sequence[str] = (),
        processes: Sequence[str] = (),
        garbage: Sequence[str] = (),
    ) -> None:
        lines = [*(f"  timer {line}" for line in timers), *(f"  {line}" for line in generators)]
        lines += [f"  thread {line}" for line in threads]
        lines += [f"  file descriptor {line}" for line in descriptors]
        lines += [f"  process {line}" for line in processes]
        if garbage:
            lines.append(f"  cycles for the garbage collector, of {', '.join(garbage)}")
        super().__init__("\n".join((message, *lines)), tasks)
        self.timers: tuple[str, ...] = tuple(timers)
        self.generators: tuple[str, ...] = tuple(generators)
        self.threads: tuple[str, ...] = tuple(threads)
        self.descriptors: tuple[str, ...] = tuple(descriptors)
        self.processes: tuple[str, ...] = tuple(processes)
        self.garbage: tuple[str, ...] = tuple(garbage)


@dataclass(frozen=True)
class Unhandled:
    """Something that went to the loop's exception handler because nobody else took it."""

    message: str
    """What asyncio says about it, with the name of the task if there is one."""
    exception: BaseException | None
    """The exception itself, where there is one."""

    def __str__(self) -> str:
        return self.message if self.exception is None else f"{self.message}: {self.exception!r}"


class UnhandledError(VirtualLoopError):
    """Exceptions reached nobody but the loop's exception handler.

    The exceptions themselves are the cause of this one.

    Attributes:
        unhandled: What the handler was given, in order.
    """

    def __init__(self, unhandled: Sequence[Unhandled]) -> None:
        lines = (f"  {entry}" for entry in unhandled)
        super().__init__("\n".join(("errors that nobody handled:", *lines)))
        self.unhandled: tuple[Unhandled, ...] = tuple(unhandled)
        causes = [entry.exception for entry in unhandled if entry.exception is not None]
        if causes:
            several = len(causes) > 1
            self.__cause__: BaseException | None = (
                BaseExceptionGroup("unhandled", causes) if several else causes[0]
            )


class WaitTimeoutError(FluidError, TimeoutError):
    """What a test waited for had not come when its time was up.

    Attributes:
        timeout: The limit, in seconds.
        state: The state that the worker was in then.
        stack: Where the worker was waiting, one ``file:line in function`` an entry.
    """

    def __init__(
        self, message: str, *, timeout: float, state: WorkerState, stack: tuple[str, ...]
    ) -> None:
        super().__init__(message)
        self.timeout: float = timeout
        self.state: WorkerState = state
        self.stack: tuple[str, ...] = stack
        if stack:
            self.add_note("\n  ".join(("it was waiting at", *stack)))


class UnreachableStateError(FluidError):
    """A test waited for a state that the worker cannot come to any more.

    Attributes:
        state: The state that the worker was in.
        states: The states that were waited for.
    """

    def __init__(self, message: str, *, state: WorkerState, states: frozenset[WorkerState]) -> None:
        super().__init__(message)
        self.state: WorkerState = state
        self.states: frozenset[WorkerState] = states
