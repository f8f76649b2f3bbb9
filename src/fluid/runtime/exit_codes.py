"""What a process says with its exit code. Pure: facts in, a number out."""

from __future__ import annotations

CLEAN = 0
"""Everything ended as it should."""
UNFINISHED = 1
"""A worker failed, or the stop left something undone."""
START_FAILED = 3
"""The tree did not start."""
SIGNALLED = 128
"""Plus the number of the signal that was repeated."""


class Facts:
    """How a process has been doing, written down as it goes."""

    start_error: BaseException | None = None
    """What ``startup()`` raised, if nobody had asked for a stop by then."""
    error: BaseException | None = None
    """What ended the root worker."""
    undone: str = ""
    """What the stop left undone, in words."""
    repeated_signal: int = 0
    """The signal that came a second time, if one did."""

    def __init__(self, **facts: object) -> None:
        self.__dict__.update(facts)


def exit_code(facts: Facts) -> int:
    """Returns the code of the highest cause: a repeated signal, then a start, then a failure.

    A worker's own ``SystemExit(k)`` gives ``k``.
    """
    if facts.repeated_signal:
        return SIGNALLED + facts.repeated_signal
    error = facts.start_error or facts.error
    if isinstance(error, SystemExit):
        return _code_of(error)
    if facts.start_error is not None:
        return START_FAILED
    return UNFINISHED if error is not None or facts.undone else CLEAN


def _code_of(error: SystemExit) -> int:
    if error.code is None:
        return CLEAN
    return error.code if isinstance(error.code, int) else UNFINISHED
