"""Log lines: what an event says to whoever reads the log at night.

A line says what happened, why, and what comes next, with its unit. fluid writes to loggers below
``fluid`` and configures none of them; without any configuration Python's own last resort prints
warnings and errors to stderr, so that a crash is never silent.
"""

from __future__ import annotations

import logging
from functools import singledispatch

from . import events
from .rules.outcome import describe

logger = logging.getLogger("fluid.worker")

LONGEST_TEXT = 2000
"""Characters of an error's text that go into one log line."""


def wants(event_type: type[events.WorkerEvent]) -> bool:
    """Returns whether the log would print an event of this type at all."""
    return logger.isEnabledFor(event_type.level)


def write(event: events.WorkerEvent) -> None:
    """Writes ``event`` as one record; a crash brings its traceback, once, where it happened."""
    error = getattr(event, "exception", None)
    told = getattr(event, "origin", event.path) != event.path
    crash = (type(error), error, error.__traceback__) if error is not None and not told else None
    logger.log(event.level, "%s", line(event), exc_info=crash, extra={"worker": event.path})


def one_line(text: str) -> str:
    """Returns ``text`` with nothing in it that could forge a line, and not too long."""
    shown = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)


def error_text(error: BaseException) -> str:
    """Returns ``ConnectionError: no route`` for an error, in one line."""
    text = describe(error)
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _at(stack: tuple[str, ...]) -> str:
    return f"at {stack[-1]}" if stack else "at an unknown place"


@singledispatch
def line(event: events.WorkerEvent) -> str:
    """Returns what the log says of ``event``."""
    return f"worker {event.path}: {type(event).__name__}"


@line.register
def _(event: events.WorkerStarted) -> str:
    return f"worker {event.path} is starting"


@line.register
def _(event: events.WorkerReady) -> str:
    return f"worker {event.path} is ready"


@line.register
def _(event: events.StillStarting) -> str:
    return (
        f"worker {event.path} is still starting after {event.elapsed:.0f} seconds, "
        f"{_at(event.stack)}"
    )


@line.register
def _(event: events.WorkerStopping) -> str:
    if not event.asked:
        return f"worker {event.path} has ended its run; cleaning up"
    return f"worker {event.path} is stopping; at most {event.bound:.1f} seconds"


@line.register
def _(event: events.WorkerCancelledByForce) -> str:
    again = " again" if event.attempt > 1 else ""
    return f"worker {event.path} overran its time and was cancelled{again} {_where(event)}"


@line.register
def _(event: events.WorkerAbandoned) -> str:
    return (
        f"worker {event.path} refuses to end and was abandoned {_where(event)}; "
        f"what it holds is freed when the process ends"
    )


def _where(event: events.WorkerCancelledByForce | events.WorkerAbandoned) -> str:
    return f"in {event.phase}, {_at(event.stack)}"


@line.register
def _(event: events.WorkerStopped) -> str:
    return f"worker {event.path} stopped after {event.duration:.1f} seconds ({event.reason})"


@line.register
def _(event: events.WorkerForceStopped) -> str:
    return f"worker {event.path} was stopped by force after {event.duration:.1f} seconds"


@line.register
def _(event: events.WorkerFailed) -> str:
    if event.origin != event.path:
        return f"worker {event.path} failed because worker {event.origin} failed"
    return (
        f"worker {event.path} failed after {event.duration:.1f} seconds "
        f"({error_text(event.exception)})"
    )


@line.register
def _(event: events.LateEnd) -> str:
    how = "" if event.exception is None else f" ({error_text(event.exception)})"
    return f"the task of abandoned worker {event.path} ended after all{how}"


@line.register
def _(event: events.SecondaryError) -> str:
    return f"worker {event.path}: {event.where} raised {error_text(event.exception)}"


@line.register
def _(event: events.BudgetShrunk) -> str:
    return (
        f"group {event.path}: its children may need {event.needed:.1f} seconds to stop and it has "
        f"{event.given:.1f}; when it stops, all their periods shrink alike"
    )


@line.register
def _(event: events.MessagesUndelivered) -> str:
    fate = "handed to on_undelivered" if event.handed_over else "dropped"
    return f"consumer {event.path} ended with {event.count} messages left, {fate}"
