"""How long a stop may take: the arithmetic of periods, bounds and deadlines.

A leaf has four periods in a row; a group has what its children need. Where a deadline leaves less
time than that, all periods that are still to come shrink by the same factor, so that nobody's
cleanup is the one that pays for everybody. Seconds throughout; the caller passes the time left.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from math import isinf
from typing import NamedTuple


class Periods(NamedTuple):
    """The parts of one worker's stop, in seconds.

    Source:
        The order (ask, wait, cancel, cancel again, give up) is that of every init system since
        ``SIGTERM`` and ``SIGKILL``; the second cancel is for code that swallows the first.
    """

    grace: float
    """From the request until the worker is cancelled."""
    cancel: float
    """From one cancel to the next, and from the second to giving up."""
    cleanup: float
    """For ``on_shutdown`` and the exit stack together, from the end of ``run``."""

    @property
    def bound(self) -> float:
        """The longest that the stop can take."""
        return self.grace + 2 * self.cancel + self.cleanup

    def within(self, time_left: float) -> Periods:
        """Returns these periods, shrunk by one factor where ``time_left`` is less than their sum.

        An infinite one is taken for all the time that is left, before all are scaled alike.
        """
        if self.bound <= time_left:
            return self
        left = max(time_left, 0.0)
        finite = Periods(*(_finite(period, left) for period in self))
        factor = left / finite.bound if finite.bound else 0.0
        return Periods(*(period * factor for period in finite))


def together(bounds: Iterable[float]) -> float:
    """Returns the bound of children that stop at the same time."""
    return max(bounds, default=0.0)


def in_order(bounds: Iterable[float]) -> float:
    """Returns the bound of children that stop one after the other."""
    return sum(bounds)


class Turns:
    """How children that stop one after the other, the last of them first, share the time there is.

    Args:
        bounds: What each child needs at the most, in the order in which they were started. One that
            has no bound is taken to need all the time that is left.
        time_left: What there is for all of them.
    """

    __slots__ = ("_bounds", "_needs")

    def __init__(self, bounds: Iterable[float], time_left: float) -> None:
        left = max(time_left, 0.0)
        self._bounds: list[float] = [_finite(bound, left) for bound in bounds]
        self._needs: list[float] = list(accumulate(self._bounds))
        """What each child and those whose turn is after it need together."""

    def share(self, turn: int, time_left: float) -> float:
        """Returns how much of ``time_left`` goes to child number ``turn``, whose turn it is now.

        All of its bound if that leaves enough for the others; else everybody's shrinks alike.
        """
        bound, need, left = self._bounds[turn], self._needs[turn], max(time_left, 0.0)
        return bound if need <= left else bound * left / need


def _finite(period: float, time_left: float) -> float:
    return time_left if isinf(period) else period
