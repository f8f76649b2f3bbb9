"""Log lines: what an event says to whoever reads the log at night.

A line says what happened, why, and what comes next, with its unit. fluid writes to loggers below
``fluid`` and configures none of them; without any configuration Python's own last resort prints
warnings and errors to stderr, so that a crash is never silent.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress

from . import events
from .places import place_of
from .texts import LONGEST_TEXT, cut, error_text, one_line

logger: logging.Logger = logging.getLogger("fluid.worker")


def shorten(record: logging.LogRecord) -> bool:
    """Cuts the traceback of ``record`` if it is too long; handlers format those that have no text.

    A log that has room for a thousand crashes is not filled by the first that says too much.
    """
    if record.exc_info is not None:
        text = "".join(traceback.format_exception(*record.exc_info))
        if len(text) > LONGEST_TEXT:
            record.exc_text = cut(text)
    return True


logger.addFilter(shorten)


def wants(event_type: type[events.WorkerEvent]) -> bool:
    """Returns whether the log would print an event of this type at all."""
    return logger.isEnabledFor(event_type.level)


def write(event: events.WorkerEvent) -> None:
    """Writes ``event`` as one record; a crash brings its traceback, once, where it happened.

    Messages that die may be many, and somebody takes them with their errors: one line each.
    """
    error = getattr(event, "exception", None)
    told = (
        isinstance(event, events.MessageDied) or getattr(event, "origin", event.path) != event.path
    )
    crash = (type(error), error, error.__traceback__) if error is not None and not told else None
    logger.log(event.level, "%s", line(event), exc_info=crash, extra={"worker": event.path})


def safely(log: Callable[..., None], *args: object, **options: object) -> None:
    """Calls a method of a logger; where a handler of it raises, stderr is told instead.

    A broken log is no reason to leave a worker half-way between two states, or to miss a signal.
    """
    try:
        log(*args, **options)
    except Exception:
        with suppress(Exception):
            traceback.print_exc()


_FATES: dict[events.Fate, tuple[str, str]] = {
    events.Fate.RETURNED: ("on_undelivered() took it", "on_undelivered() took them"),
    events.Fate.DROPPED: ("it is lost", "they are lost"),
    events.Fate.WAITING: (
        "it waits in its mailbox for another consumer",
        "they wait in its mailbox for another consumer",
    ),
}
"""What has become of one message that was left, and of several."""


def after_running(uptime: float | None) -> str:
    """Returns how long a child had been ready when it ended."""
    return "before it was ready" if uptime is None else f"after {uptime:.1f} seconds"


def restarts(number: int) -> str:
    """Returns ``1 restart`` or ``3 restarts``."""
    return f"{number} restart" if number == 1 else f"{number} restarts"


def blocker(path: str, task: str) -> str:
    """Returns who blocks the event loop, in words: a worker if it is known, else its task."""
    return f"worker {path}" if path else f"task {one_line(repr(task))}" if task else "a callback"


def stall_line(path: str, task: str, seconds: float, stack: tuple[str, ...]) -> str:
    """Returns what is said of a block of the event loop; ``path`` is empty if nobody is known."""
    return (
        f"{blocker(path, task)} blocked the event loop for at least {seconds:.1f} seconds, "
        f"{place_of(stack)}; "
        f"nobody else could run: asyncio.to_thread() is for what takes that long"
    )


def line(event: events.WorkerEvent) -> str:
    """Returns what the log says of ``event``: one case for each type."""
    path = event.path
    match event:
        case events.WorkerStarted():
            return f"worker {path} is starting"
        case events.WorkerReady():
            return f"worker {path} is ready"
        case events.StillStarting(elapsed=seconds, stack=stack):
            return f"worker {path} is still starting after {seconds:.0f} seconds, {place_of(stack)}"
        case events.WorkerStopping(asked=True, bound=bound):
            return f"worker {path} is stopping; at most {bound:.1f} seconds"
        case events.WorkerStopping():
            return f"worker {path} has ended by itself; cleaning up"
        case events.WorkerCancelledByForce(phase=phase, attempt=attempt, stack=stack):
            if attempt > 1:
                return f"worker {path} was cancelled again in {phase}, {place_of(stack)}"
            return (
                f"worker {path} did not end when asked and was cancelled in {phase}, "
                f"{place_of(stack)}; "
                f"what may take longer has to look at is_running(), to await self.sleep(), or "
                f"to have a longer stopping_grace_period"
            )
        case events.WorkerAbandoned(phase=phase, stack=stack):
            return (
                f"worker {path} refuses to end and was abandoned in {phase}, {place_of(stack)}; "
                f"what it holds is freed when the process ends"
            )
        case events.WorkerStopped(reason=reason, duration=seconds):
            return f"worker {path} stopped after {seconds:.1f} seconds ({reason})"
        case events.WorkerForceStopped(duration=seconds):
            return f"worker {path} was stopped by force after {seconds:.1f} seconds"
        case events.WorkerFailed(origin=origin) if origin != path:
            return f"worker {path} failed because worker {origin} failed"
        case events.WorkerFailed(duration=seconds, exception=error):
            return f"worker {path} failed after {seconds:.1f} seconds ({error_text(error)})"
        case events.LateEnd(exception=late):
            how = "" if late is None else f" ({error_text(late)})"
            return f"the task of abandoned worker {path} ended after all{how}"
        case events.SecondaryError(where=where, exception=error):
            return f"worker {path}: {where} raised {error_text(error)}"
        case events.BudgetShrunk(needed=needed, given=given):
            return (
                f"group {path}: its children may need {needed:.1f} seconds to stop and it has "
                f"{given:.1f}; when it stops, all their periods shrink alike"
            )
        case events.HeartbeatLost(timeout=seconds, stack=stack):
            return (
                f"worker {path} has not called beat() for {seconds:g} seconds and was cancelled, "
                f"{place_of(stack)}"
            )
        case events.LoopStalled(seconds=seconds, stack=stack, task=task, is_known=is_known):
            return stall_line(path if is_known else "", task, seconds, stack)
        case events.MessageDied(attempts=attempts, exception=error):
            tried = "once" if attempts == 1 else f"{attempts} times"
            return f"worker {path}: a message is dead, tried {tried} ({error_text(error)})"
        case events.HandlerAbandoned(stack=stack):
            return (
                f"worker {path}: a handler refuses to end and was left alone, {place_of(stack)}; "
                f"what it holds is freed when it ends"
            )
        case events.FireFailed(exception=error, delay=None):
            return f"worker {path}: a fire failed ({error_text(error)}); the next one comes"
        case events.FireFailed(exception=error, delay=seconds):
            again = f"it is called again in {seconds:.1f} seconds"
            return f"worker {path}: a fire failed ({error_text(error)}); {again}"
        case events.FiresMissed(count=count):
            missed = "1 fire was" if count == 1 else f"{count} fires were"
            return (
                f"worker {path}: {missed} missed: the loop was blocked, the machine asleep, or the "
                f"clock set forward"
            )
        case events.MessagesAccounted(account=account):
            columns = ", ".join(f"{count} {name}" for name, count in account.items() if count)
            return f"worker {path} has accounted for its messages: {columns or 'none came'}"
        case events.RestartScheduled(end=end, delay=delay, left=left, period=period):
            return (
                f"worker {path} will be restarted in {delay:.1f} seconds (attempt {end.attempt}), "
                f"because it {end.cause} {after_running(end.uptime)}; "
                f"{restarts(left)} left within {period:g} seconds"
            )
        case events.GaveUp(reason=reason):
            return f"supervisor {path} gives up: {reason}"
        case events.MessagesUndelivered(count=count, fate=fate):
            one, several = _FATES[fate]
            tale = f"1 message left; {one}" if count == 1 else f"{count} messages left; {several}"
            return f"consumer {path} ended with {tale}"
        case _:
            return f"worker {path}: {event!r}"
