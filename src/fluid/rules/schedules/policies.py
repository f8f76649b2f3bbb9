"""What to do with fires that come while one still runs, and with those that were missed."""

from __future__ import annotations

from typing import ClassVar

from ...errors import FluidValueError
from ...record import Record


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
    forward. A fire has been missed when the next one is due as well, or when it is late by more
    than the worker's ``tolerance``.

    ``Missed.SKIP`` leaves them out, ``Missed.ONCE`` makes up for all of them with one fire, and
    ``Missed.all(n)`` with one for each, but for no more than the last n.
    """

    SKIP: ClassVar[Missed]
    ONCE: ClassVar[Missed]

    name: str
    most: int

    @staticmethod
    def all(most: int) -> Missed:
        """Makes up for each fire that was missed, but for the last ones only.

        One after the other, or as many at once as the overlap lets run.

        Args:
            most: For how many at a time.

        Raises:
            FluidValueError: If that is not a whole number, 1 or more.
        """
        return Missed("all", _whole("all", most))

    def __repr__(self) -> str:
        return _shown(self, self.most)


Overlap.SKIP = Overlap("skip", 1)
Overlap.QUEUE_ONE = Overlap("queue_one", 1)
Missed.SKIP = Missed("skip", 0)
Missed.ONCE = Missed("once", 1)


def _shown(policy: Overlap | Missed, number: int) -> str:
    kind, name = type(policy).__name__, policy.name
    return f"{kind}.{name}({number})" if name in ("concurrent", "all") else f"{kind}.{name.upper()}"


def _whole(name: str, number: object) -> int:
    if type(number) is not int or number < 1:
        raise FluidValueError(f"{name}({number!r}) takes a whole number, 1 or more")
    return number
