"""What to do with fires that come while one still runs, and with those that were missed."""

from __future__ import annotations

from typing import ClassVar

from ...errors import FluidValueError
from ...record import Record
from ...settings import duration


class Overlap(Record):
    """What becomes of a fire that is due while the one before still runs.

    ``Overlap.SKIP`` leaves it out, ``Overlap.QUEUE_ONE`` makes up for the last of them as soon as
    the one before has ended, and ``Overlap.concurrent(n)`` lets up to n run at once.
    """

    SKIP: ClassVar[Overlap]
    """Leaves out the fire that is due; how every worker begins."""
    QUEUE_ONE: ClassVar[Overlap]
    """Makes up for the last fire that was due as soon as the one before has ended."""

    name: str
    """What the policy is called: "skip", "queue_one" or "concurrent"."""
    at_once: int
    """The most calls that run at the same time."""

    @staticmethod
    def concurrent(most: int) -> Overlap:
        """Returns the policy that lets up to ``most`` fires run at once and leaves out the others.

        Raises:
            FluidValueError: If that is not a whole number, 1 or more.
        """
        return Overlap("concurrent", _whole("concurrent", most))

    def __repr__(self) -> str:
        return _shown(self, self.at_once)


class Missed(Record):
    """What becomes of fires whose time passed while nobody could see to them.

    That is while the machine was suspended, the event loop was blocked, or the clock was put
    forward. A fire has been missed when the next one is due as well.

    ``Missed.ONCE`` makes up for all of them with one fire, and ``Missed.all(n)`` with one for each,
    but for no more than the last n. ``Missed.SKIP`` leaves them out, and the newest too if it is
    late by more than half the time until the next one, or by more than a minute; with
    ``Missed.skip(seconds)`` by more than that.
    """

    SKIP: ClassVar[Missed]
    """Leaves out what was missed."""
    ONCE: ClassVar[Missed]
    """Makes up for all that was missed with one fire; how every worker begins."""

    name: str
    """What the policy is called: "skip", "once" or "all"."""
    most: int
    """For how many fires at a time it makes up."""
    tolerance: float | None
    """Seconds by which a fire may be late and not count as missed; None for what the schedule
    allows."""

    @staticmethod
    def skip(tolerance: float) -> Missed:
        """Returns the policy that leaves out what is late by more than a time of your own.

        Args:
            tolerance: That time, in seconds; more than 0.

        Raises:
            FluidValueError: If that is not a number of seconds, or 0: every fire is a little late.
        """
        if not duration("tolerance of Missed.skip()", tolerance):
            raise FluidValueError(
                "tolerance of Missed.skip() is 0 seconds, and no fire begins at the very instant "
                "at which it is due: each would be missed; give it a tenth of a second, or more"
            )
        return Missed("skip", 0, float(tolerance))

    @staticmethod
    def all(most: int) -> Missed:
        """Returns the policy that makes up for each fire that was missed, the last ones only.

        One after the other, or as many at once as the overlap lets run.

        Args:
            most: For how many at a time.

        Raises:
            FluidValueError: If that is not a whole number, 1 or more.
        """
        return Missed("all", _whole("all", most), None)

    def __repr__(self) -> str:
        if self.tolerance is not None:
            return f"Missed.skip({self.tolerance})"
        return _shown(self, self.most)


Overlap.SKIP = Overlap("skip", 1)
Overlap.QUEUE_ONE = Overlap("queue_one", 1)
Missed.SKIP = Missed("skip", 0, None)
Missed.ONCE = Missed("once", 1, None)


def _shown(policy: Overlap | Missed, number: int) -> str:
    kind, name = type(policy).__name__, policy.name
    return f"{kind}.{name}({number})" if name in ("concurrent", "all") else f"{kind}.{name.upper()}"


def _whole(name: str, number: object) -> int:
    if type(number) is not int or number < 1:
        raise FluidValueError(f"{name}({number!r}) takes a whole number, 1 or more")
    return number
