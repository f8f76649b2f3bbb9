"""What a process says when it ends: a number, and why in one line. Pure: facts in, words out.

Where several causes meet, the highest one gives the number, and the line has them all.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

from ..errors import SupervisorGaveUp
from ..texts import error_text, one_line

CLEAN = 0
"""Everything ended as it should."""
UNFINISHED = 1
"""A worker failed, or the stop left something undone."""
USAGE = 2
"""There is nothing here that could be run."""
START_FAILED = 3
"""The root worker did not start."""
OVERRAN = 4
"""The process was not gone by its deadline."""
SIGNALLED = 128
"""Plus the number of the signal that came again."""

MOST_UNDONE = 5
"""Things left undone that the last line names; it counts the others."""


class Facts:
    """How a process has been doing, written down as it goes."""

    repeated_signal: int = 0
    """The signal that was the second request to stop, if there was one."""
    overran: float = 0.0
    """The deadline that the process has missed, in seconds, if it has."""
    escaped: BaseException | None = None
    """The first ``SystemExit`` or ``KeyboardInterrupt`` that came out of the event loop.

    From ``after_shutdown``, whose documented use that is, or from a task or callback of the user's.
    """
    usage_error: Exception | None = None
    """Why there was no worker to start."""
    start_error: BaseException | None = None
    """Why the root worker did not start, unless it was stopped before it had."""
    place: str = ""
    """Where that came from, if that was before there was a worker."""
    error: BaseException | None = None
    """What ended the root worker after it had started."""
    origin: str = ""
    """The worker below the root that the error came from, if it did."""
    undone: tuple[str, ...] = ()
    """What the stop left undone, in words."""

    def __init__(self, **facts: object) -> None:
        self.__dict__.update(facts)

    @property
    def has_failed(self) -> bool:
        """Whether anything went wrong that ends the process."""
        return bool(self.escaped or self.usage_error or self.start_error or self.error)

    @property
    def exit(self) -> SystemExit | None:
        """A worker's own ``SystemExit``, the first there was."""
        for error in (self.escaped, self.start_error, self.error):
            if isinstance(bare := _unwrapped(error), SystemExit):
                return bare
        return None


def exit_code(facts: Facts) -> int:
    """Returns the code of the highest cause: the first row that fits."""
    match facts:
        case Facts(repeated_signal=number) if number:
            return SIGNALLED + number
        case Facts(overran=seconds) if seconds:
            return OVERRAN
        case Facts(exit=SystemExit() as asked_for):
            return _code_of(asked_for)
        case Facts(usage_error=Exception()):
            return USAGE
        case Facts(start_error=BaseException()):
            return START_FAILED
        case Facts(error=BaseException()) | Facts(escaped=BaseException()):
            return UNFINISHED
        case Facts(undone=(_, *_)):
            return UNFINISHED
        case _:
            return CLEAN


def reason(facts: Facts) -> str:
    """Returns all that is to be said about an end, in one line; nothing if all went well."""
    return "; ".join(_causes(facts))


def _causes(facts: Facts) -> Iterator[str]:
    if facts.repeated_signal:
        yield f"told again to stop ({signal.Signals(facts.repeated_signal).name})"
    if facts.overran:
        unit = "second" if facts.overran == 1 else "seconds"
        yield f"it was not gone {facts.overran:g} {unit} after it had to stop"
    if facts.escaped is not None and _code_of(facts.escaped):
        yield f"told to exit ({error_text(facts.escaped)})"
    if facts.usage_error is not None:
        yield one_line(str(facts.usage_error))
    who = facts.origin or "it"
    if isinstance(facts.error, SupervisorGaveUp):  # whatever it was that its child failed with
        who = facts.error.path
    if facts.start_error is not None:
        place = f", {facts.place}" if facts.place else ""
        yield f"{who} did not start ({error_text(facts.start_error)}{place})"
    if facts.error is not None:
        yield f"{who} failed ({error_text(facts.error)})"
    yield from facts.undone[:MOST_UNDONE]
    if (others := len(facts.undone) - MOST_UNDONE) > 0:
        yield f"and {others} more"


def _unwrapped(error: BaseException | None) -> BaseException | None:
    """Returns the one error that groups of one are wrapped around, as task groups like to do.

    A group of several is a failure of its own, also if a ``SystemExit`` is among them: there is no
    telling which of them was meant.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _code_of(error: BaseException) -> int:
    """Returns the code that the interpreter gives a ``SystemExit``, and 1 for any other error."""
    match error:
        case SystemExit(code=None):
            return CLEAN
        case SystemExit(code=int(code)):
            return code & 0xFF  # as the system has it
        case _:
            return UNFINISHED
