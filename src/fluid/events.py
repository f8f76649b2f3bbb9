"""What happens to workers, as typed events that anybody can listen to.

An event starts at the worker it is about and bubbles to its group, to the group's group, and last
to the listeners of the whole process. Log lines are one such listener (:mod:`fluid.logs`); metrics
and dashboards are others. Only data lives here, and the list of listeners: who emits is none of its
business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from .errors import ChildEnd
from .record import Record

__all__ = [
    "BudgetShrunk",
    "Fate",
    "FireFailed",
    "FiresMissed",
    "GaveUp",
    "HandlerAbandoned",
    "HeartbeatLost",
    "LateEnd",
    "Listener",
    "LoopStalled",
    "MessageDied",
    "MessagesAccounted",
    "MessagesUndelivered",
    "RestartScheduled",
    "SecondaryError",
    "StillStarting",
    "WorkerAbandoned",
    "WorkerCancelledByForce",
    "WorkerEnded",
    "WorkerEvent",
    "WorkerFailed",
    "WorkerForceStopped",
    "WorkerReady",
    "WorkerStarted",
    "WorkerStopped",
    "WorkerStopping",
    "subscribe",
]


class WorkerEvent(Record):
    """The base of every lifecycle event."""

    level = logging.INFO  # not annotated, and so not a field
    """How loud an event of this type is, as a level of :mod:`logging`."""

    path: str
    """The worker it is about, as ``worker_path`` says it."""
    at: float
    """When, in seconds of the worker's event loop's clock."""


class WorkerStarted(WorkerEvent):
    """``startup()`` made the task; ``on_startup`` is next."""

    level = logging.DEBUG


class WorkerReady(WorkerEvent):
    """The worker is ready; its starter goes on."""


class StillStarting(WorkerEvent):
    """The start goes on longer than usual; repeated until it ends."""

    level = logging.WARNING
    elapsed: float
    """Seconds since the start."""
    stack: tuple[str, ...]
    """Where it is waiting."""


class WorkerStopping(WorkerEvent):
    """A stop was asked for, or ``run()`` has ended; cleanup is next."""

    asked: bool
    """True if somebody asked, False if ``run()`` ended by itself."""
    bound: float
    """The longest that the stop may take from here, in seconds."""


class WorkerCancelledByForce(WorkerEvent):
    """A period of the stop is over and the worker was cancelled."""

    level = logging.WARNING
    phase: str
    """The hook that was running."""
    attempt: int
    """1 for the first cancel, 2 for the second."""
    stack: tuple[str, ...]
    """Where it was waiting."""


class WorkerAbandoned(WorkerEvent):
    """The worker refused to end; its task was left alone and still runs."""

    level = logging.ERROR
    phase: str
    """The hook that refused."""
    stack: tuple[str, ...]
    """Where it was waiting."""


class WorkerEnded(WorkerEvent):
    """The base of the events that end a life; exactly one of them is emitted for each."""

    reason: str
    """As ``worker_exit`` has it."""
    duration: float
    """Seconds from the start to the end."""


class WorkerStopped(WorkerEnded):
    """The worker ended without an error."""


class WorkerForceStopped(WorkerEnded):
    """The worker ended because it was cancelled, or was abandoned."""

    level = logging.WARNING


class WorkerFailed(WorkerEnded):
    """An exception ended the worker."""

    level = logging.ERROR
    exception: BaseException
    """What waiters get raised."""
    origin: str
    """The worker that raised it first, which is this one or one below it."""


class LateEnd(WorkerEvent):
    """The task of an abandoned worker ended after all; its outcome stays what it was."""

    level = logging.WARNING
    exception: BaseException | None
    """What it ended with, if with an error."""


class SecondaryError(WorkerEvent):
    """Something went wrong that does not decide the outcome."""

    level = logging.ERROR
    where: str
    """The hook or the step that failed."""
    exception: BaseException
    """What it raised."""


class BudgetShrunk(WorkerEvent):
    """A group's children may need longer to stop than the group was given."""

    level = logging.WARNING
    needed: float
    """Seconds that the children need at the most."""
    given: float
    """Seconds that the group has."""


class HeartbeatLost(WorkerEvent):
    """A worker that has to report progress did not call ``beat()`` in time; it is cancelled."""

    level = logging.ERROR
    timeout: float
    """Seconds that it had."""
    stack: tuple[str, ...]
    """Where it was waiting."""


class LoopStalled(WorkerEvent):
    """Code that did not let go of the event loop held everybody up; it is over."""

    level = logging.WARNING
    seconds: float
    """For how long, at least."""
    stack: tuple[str, ...]
    """Where that code was, outermost first; empty if no other thread could run to look."""
    task: str
    """The name of its task; empty for a callback's."""
    is_known: bool
    """Whether it belongs to this worker. If not, the event is the root worker's, which has to have
    one."""


class RestartScheduled(WorkerEvent):
    """A supervised child has ended and will be started again."""

    level = logging.WARNING
    end: ChildEnd
    """How it ended."""
    delay: float
    """Seconds until then; longer if others have to stop first."""
    left: int
    """How many more restarts the limit of its supervisor allows from now on."""
    period: float
    """The seconds within which that limit counts."""


class GaveUp(WorkerEvent):
    """A supervisor ends because restarts did not help, or were not possible."""

    level = logging.ERROR
    child: str
    """The path of the child that ended last."""
    reason: str
    """Why, in one line."""
    history: tuple[ChildEnd, ...]
    """What was counted against its limit, in order."""


class Fate(StrEnum):
    """What becomes of messages that a consumer has left."""

    RETURNED = "returned"
    """``on_undelivered`` took them."""
    DROPPED = "dropped"
    """Nobody took them: they are lost."""
    WAITING = "waiting"
    """They stay in the mailbox, where another consumer may find them."""


class MessagesUndelivered(WorkerEvent):
    """Messages were left in a consumer's mailbox when it ended."""

    level = logging.WARNING
    count: int
    """How many."""
    fate: Fate
    """What becomes of them."""


class MessageDied(WorkerEvent):
    """A handler has failed with a message for the last time; the consumer goes on."""

    level = logging.WARNING
    attempts: int
    """How often it was tried."""
    exception: BaseException
    """What it raised the last time."""


class HandlerAbandoned(WorkerEvent):
    """A handler that took too long, or had to end, refused to; it was left alone and still runs."""

    level = logging.ERROR
    stack: tuple[str, ...]
    """Where it was waiting."""


class FireFailed(WorkerEvent):
    """A call of a periodic worker has raised; the worker goes on."""

    level = logging.WARNING
    exception: BaseException
    """What it raised."""
    delay: float | None
    """Seconds until it is called again; None if that is at the next fire."""


class FiresMissed(WorkerEvent):
    """A periodic worker gave up fires because their time had passed."""

    level = logging.WARNING
    count: int
    """How many."""


class MessagesAccounted(WorkerEvent):
    """A consumer has ended; this is what became of the messages of its mailbox so far."""

    account: Mapping[str, int]
    """As ``worker_exit.account`` has it."""


Listener: TypeAlias = Callable[[WorkerEvent], None]
"""Is called with each event, on the loop's thread; it must not block."""

_listeners: tuple[Listener, ...] = ()
_count = 0


def listeners() -> tuple[Listener, ...]:
    """Returns the listeners of the whole process."""
    return _listeners


def anybody_listens() -> bool:
    """Returns whether there is any listener, of the process or of a worker."""
    return _count > 0


def subscribe(listener: Listener) -> Callable[[], None]:
    """Calls ``listener`` with every event of every worker in this process.

    On the thread of the loop that the worker lives on, in the order of what happens there. An
    exception from a listener is logged and changes nothing else.

    Args:
        listener: What is called; it must not block.

    Returns:
        A function that ends the subscription; calling it again does nothing.
    """
    global _listeners
    _listeners = (*_listeners, listener)

    def forget() -> None:
        global _listeners
        _listeners = without(listener, _listeners)

    return subscription(forget)


def without(listener: Listener, listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Returns ``listeners`` less one: whoever has subscribed twice is still there once."""
    index = next(i for i, other in enumerate(listeners) if other is listener)
    return listeners[:index] + listeners[index + 1 :]


def subscription(forget: Callable[[], None]) -> Callable[[], None]:
    """Counts a listener in; returns what ends its subscription, the first time it is called."""
    global _count
    _count += 1
    has_ended = False

    def unsubscribe() -> None:
        global _count
        nonlocal has_ended
        if not has_ended:
            has_ended = True
            _count -= 1
            forget()

    return unsubscribe
