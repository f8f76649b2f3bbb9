"""What happens to workers, as typed events that anybody can listen to.

An event starts at the worker it is about and bubbles to its group, to the group's group, and last to
the listeners of the whole process. Log lines are one such listener (:mod:`fluid.logs`); metrics and
dashboards are others. Only data lives here, and the list of listeners: who emits is none of its
business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class WorkerEvent:
    """The base of every lifecycle event."""

    level: ClassVar[int] = logging.INFO
    """How loud it is, in the words of :mod:`logging`."""

    path: str
    """The worker it is about, as ``worker_path`` says it."""
    at: float
    """When, in seconds of the worker's event loop's clock."""


@dataclass(frozen=True)
class WorkerStarted(WorkerEvent):
    """``startup()`` made the task; ``on_startup`` is next."""

    level: ClassVar[int] = logging.DEBUG


@dataclass(frozen=True)
class WorkerReady(WorkerEvent):
    """The worker is ready; its starter goes on."""


@dataclass(frozen=True)
class StillStarting(WorkerEvent):
    """The start goes on longer than usual; repeated until it ends."""

    level: ClassVar[int] = logging.WARNING
    elapsed: float
    """Seconds since the start."""
    stack: tuple[str, ...]
    """Where it is waiting."""


@dataclass(frozen=True)
class WorkerStopping(WorkerEvent):
    """A stop was asked for, or ``run()`` has ended; cleanup is next."""

    asked: bool
    """True if somebody asked, False if ``run()`` ended by itself."""
    bound: float
    """The longest that the stop may take from here, in seconds."""


@dataclass(frozen=True)
class WorkerCancelledByForce(WorkerEvent):
    """A period of the stop is over and the worker was cancelled."""

    level: ClassVar[int] = logging.WARNING
    phase: str
    """The hook that was running."""
    attempt: int
    """1 for the first cancel, 2 for the second."""
    stack: tuple[str, ...]
    """Where it was waiting."""


@dataclass(frozen=True)
class WorkerAbandoned(WorkerEvent):
    """The worker refused to end; its task was left alone and still runs."""

    level: ClassVar[int] = logging.ERROR
    phase: str
    """The hook that refused."""
    stack: tuple[str, ...]
    """Where it was waiting."""


@dataclass(frozen=True)
class WorkerEnded(WorkerEvent):
    """The base of the events that end a life; exactly one of them is emitted for each."""

    reason: str
    """As ``worker_exit`` has it."""
    duration: float
    """Seconds from the start to the end."""


@dataclass(frozen=True)
class WorkerStopped(WorkerEnded):
    """The worker ended without an error."""


@dataclass(frozen=True)
class WorkerForceStopped(WorkerEnded):
    """The worker ended because it was cancelled, or was abandoned."""

    level: ClassVar[int] = logging.WARNING


@dataclass(frozen=True)
class WorkerFailed(WorkerEnded):
    """An exception ended the worker."""

    level: ClassVar[int] = logging.ERROR
    exception: BaseException
    """What waiters get raised."""
    origin: str
    """The worker that raised it first: itself, or one below it."""


@dataclass(frozen=True)
class LateEnd(WorkerEvent):
    """The task of an abandoned worker ended after all; its outcome stays what it was."""

    level: ClassVar[int] = logging.WARNING
    exception: BaseException | None
    """What it ended with, if with an error."""


@dataclass(frozen=True)
class SecondaryError(WorkerEvent):
    """Something went wrong that does not decide the outcome."""

    level: ClassVar[int] = logging.ERROR
    where: str
    """The hook or the step that failed."""
    exception: BaseException
    """What it raised."""


@dataclass(frozen=True)
class BudgetShrunk(WorkerEvent):
    """A group's children may need longer to stop than the group was given."""

    level: ClassVar[int] = logging.WARNING
    needed: float
    """Seconds that the children need at the most."""
    given: float
    """Seconds that the group has."""


@dataclass(frozen=True)
class MessagesUndelivered(WorkerEvent):
    """Messages were left in a consumer's mailbox when it ended for good."""

    level: ClassVar[int] = logging.WARNING
    count: int
    """How many."""
    handed_over: bool
    """True if ``on_undelivered`` took them, False if they are lost."""


Listener: TypeAlias = Callable[[WorkerEvent], None]
"""Is called with each event, on the loop's thread; it must not block."""

_listeners: tuple[Listener, ...] = ()


def listeners() -> tuple[Listener, ...]:
    """Returns the listeners of the whole process."""
    return _listeners


def subscribe(listener: Listener) -> Callable[[], None]:
    """Calls ``listener`` with every event of every worker in this process.

    An exception from a listener is logged and changes nothing else.

    Returns:
        A function that ends the subscription; calling it again does nothing.
    """
    global _listeners
    _listeners = (*_listeners, listener)

    def unsubscribe() -> None:
        global _listeners
        _listeners = tuple(other for other in _listeners if other is not listener)

    return unsubscribe
