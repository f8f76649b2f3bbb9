"""Every so many seconds: a fixed rate, without drift."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import floor
from sys import float_info
from typing import Literal, TypeAlias

from ...errors import FluidValueError
from .moment import Moment
from .schedule import Schedule, checked_options, in_words

First: TypeAlias = Literal["now", "after", "aligned"]

_BEGINNINGS: dict[First, str] = {
    "now": "",
    "after": ", but not at once",
    "aligned": ", aligned to the clock",
}

SHORTEST = 0.001
"""Seconds. What an event loop can keep, more or less."""


class Every(Schedule):
    """A fixed rate; :func:`every` makes it."""

    period: float
    """Seconds from one fire to the next."""
    first: First
    """When it fires for the first time: "now", "after" or "aligned"."""

    @property
    def by_wall_clock(self) -> bool:
        """Whether its instants are times of day."""
        return self.first == "aligned"

    def series(self, start: Moment) -> Steps:
        """Returns its instants, if it begins at ``start``."""
        if self.by_wall_clock:
            return Steps(0.0, self.period, 0)
        return Steps(start.loop, self.period, 0 if self.first == "now" else 1)

    def _words(self) -> str:
        words = f"every {in_words(self.period)}"
        return f"{words}{_BEGINNINGS[self.first]}"

    def _call(self) -> str:
        return f"every({self.period!r}" + ("" if self.first == "now" else f", first={self.first!r}")


def every(
    period: float | timedelta,
    *,
    first: First = "now",
    jitter: float = 0.0,
    until: datetime | None = None,
    max_fires: int | None = None,
) -> Every:
    """Returns a schedule with a fixed rate: fire number n is due at start + n * period.

    ::

        from datetime import timedelta

        from fluid import every

        every(5)  # every five seconds, the first time at once
        every(timedelta(minutes=15), first="aligned")  # at :00, :15, :30 and :45
        every(60, first="after", jitter=10)

    It goes by the event loop's clock, which nobody sets and which stands still while the machine is
    suspended; with ``first="aligned"`` it goes by the time of day.

    Args:
        period: Seconds, or a ``timedelta``; a millisecond at least.
        first: When it fires for the first time: "now", the default, for at once, "after" for after
            one period, "aligned" for when the time of day is next a multiple of the period, counted
            from the beginning of 1970 in UTC.
        jitter: Seconds by which each fire may come later, by chance, so that a thousand processes
            do not do the same thing at once. At most the period; the rate stays as it is. 0, the
            default, for none.
        until: No fire is due later than that; an aware datetime, or None for no end.
        max_fires: How often it fires at most, counted from the start of its worker; None for no
            limit.

    Raises:
        FluidValueError: If one of them cannot work.
    """
    seconds = period.total_seconds() if isinstance(period, timedelta) else period
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not SHORTEST <= seconds <= float_info.max:
        raise FluidValueError(
            f"the period of every() is not a number of seconds from {SHORTEST} on, nor a "
            f"timedelta: {period!r}"
        )
    if first not in ("now", "after", "aligned"):
        raise FluidValueError(
            f"first of every({seconds!r}) is not 'now', 'after' or 'aligned': {first!r}"
        )
    jitter, until, max_fires = checked_options(f"every({seconds!r})", jitter, until, max_fires)
    if jitter > seconds:
        raise FluidValueError(
            f"jitter of every({seconds!r}) is {jitter!r} seconds, which is longer than its period"
        )
    return Every(jitter, until, max_fires, float(seconds), first)


class Steps:
    """Instants at equal distances: number n is at ``origin`` + n * ``period``, without drift."""

    __slots__ = ("_lowest", "_origin", "_period")

    is_interval = True

    def __init__(self, origin: float, period: float, lowest: int) -> None:
        self._origin: float = origin
        self._period: float = period
        self._lowest: int = lowest
        """The number of the first of them."""

    def after(self, instant: float) -> float:
        """Returns the first one later than ``instant``."""
        return self._at(self._number(instant) + 1)

    def count(self, after: float, until: float) -> int:
        """Returns how many there are after ``after``, up to ``until``."""
        return max(self._number(until) - self._number(after), 0)

    def newest(self, after: float, until: float) -> float:
        """Returns the last one up to ``until``."""
        return self._at(self._number(until))

    def _at(self, number: int) -> float:
        return self._origin + number * self._period

    def _number(self, instant: float) -> int:
        """Returns the number of the last one up to ``instant``."""
        before_first = self._lowest - 1
        if instant < self._at(self._lowest):
            return before_first
        number = floor((instant - self._origin) / self._period)
        while self._at(number) > instant:  # the division has rounded
            number -= 1
        while self._at(number + 1) <= instant:
            number += 1
        return max(number, before_first)
