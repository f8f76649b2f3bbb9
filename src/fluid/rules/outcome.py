"""How a worker's life is judged: the facts of it on one side, one outcome on the other.

:func:`judge` is the table of ``docs/lifecycle.md`` in the same order, one ``case`` a row, first row
that fits. It knows no asyncio beyond the name of one exception: what a ``CancelledError`` meant is
a fact that the caller has already established.
"""

from __future__ import annotations

from typing import NamedTuple

from .lifecycle import Move

CLEAN, FORCED, ERROR = 0, 1, 2
"""The exit codes of a worker, as ``after_shutdown(reason, code)`` gets them."""


class Facts:
    """What happened in one life, written down as it happens."""

    start_error: BaseException | None = None
    """What ``on_startup`` raised, or the error of the start-up limit."""
    stopped_in_start: bool = False
    """A stop was asked for, or the starter was cancelled, before ``on_startup`` had ended."""
    run_error: BaseException | None = None
    """What ``run`` raised."""
    cancelled: BaseException | None = None
    """The ``CancelledError`` that ended a hook and that fluid had not asked for."""
    forced: bool = False
    """fluid cancelled ``run``, and ``run`` then ended."""
    abandoned: bool = False
    """The task refused to end and was left alone."""
    cleanup_errors: tuple[BaseException, ...] = ()
    """What ``on_shutdown`` and the exit stack raised, in order."""

    def __init__(self, **facts: object) -> None:
        if facts:
            self.__dict__.update(facts)


class Outcome(NamedTuple):
    """The one verdict on one life."""

    move: Move
    reason: str
    code: int
    exception: BaseException | None
    """What waiters get raised, if anything."""
    errors: tuple[BaseException, ...]
    """What went wrong on top of that."""


_STOPPED_IN_START = Outcome(Move.END_STOPPED, "stopped during start-up", CLEAN, None, ())
_FORCED = Outcome(Move.END_FORCED, "forced shutdown", FORCED, None, ())
_NORMAL = Outcome(Move.END_STOPPED, "normal shutdown", CLEAN, None, ())


def judge(facts: Facts) -> Outcome:
    """Returns the outcome of a life: the first row of the table that fits.

    An error in cleanup turns a row of code 0 or 1 into a failure; on top of an error it is kept
    beside it, and the first error stays what is raised.
    """
    if not facts.__dict__:  # nothing happened that is worth a note
        return _NORMAL
    match facts:
        case Facts(start_error=BaseException() as error):
            return _failed(error, facts.cleanup_errors)
        case Facts(stopped_in_start=True):
            verdict = _STOPPED_IN_START
        case Facts(run_error=BaseException() as error):
            return _failed(error, facts.cleanup_errors)
        case Facts(cancelled=BaseException() as error):
            return _failed(error, facts.cleanup_errors, reason="cancelled")
        case Facts(forced=True) | Facts(abandoned=True):
            verdict = _FORCED
        case _:
            verdict = _NORMAL
    if facts.cleanup_errors:
        first, *others = facts.cleanup_errors
        return _failed(first, tuple(others))
    return verdict


def _failed(
    error: BaseException, others: tuple[BaseException, ...], reason: str | None = None
) -> Outcome:
    text = describe(error) if reason is None else reason
    return Outcome(Move.END_FAILED, text, ERROR, error, others)


def describe(error: BaseException) -> str:
    """Returns ``str(error)``, whatever that error's own ``__str__`` does.

    A ``CancelledError`` has nothing to say and is called "cancelled".
    """
    if type(error).__name__ == "CancelledError":
        return "cancelled"
    try:
        return str(error)
    except Exception as broken:
        return f"<{type(error).__name__}; its str() raised {type(broken).__name__}>"
