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
    QUEUE_ONE: ClassVar[Overlap]

    name: str
    at_once: int

    @staticmethod
    def concurrent(most: int) -> Overlap:
        """Lets up to ``most`` fires run at once; those beyond are left out.

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
    ONCE: ClassVar[Missed]

    name: str
    most: int
    tolerance: float | None

    @staticmethod
    def skip(tolerance: float) -> Missed:
        """Leaves out what is late by more than ``tolerance`` seconds.

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
        """Makes up for each fire that was missed, but for the last ones only.

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
