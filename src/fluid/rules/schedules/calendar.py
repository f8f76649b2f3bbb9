"""The local times that a cron expression names, before any time zone has a say.

A local time is in whole seconds, as if the local clock were that of UTC. What the fields mean, and
which days match, is cronsim's. Whether a day does depends on what its month looks like, so the next
one, and the number of those in ten years, are found by the month.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from .zones import DAY

if TYPE_CHECKING:
    from cronsim import CronSim

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.toordinal()

YEARS = 50
"""How far ahead the next day is looked for: the 29th of February may be a Monday once in forty."""


class Calendar:
    """The times of one expression.

    Args:
        expression: Five fields, or six with the seconds first.

    Raises:
        CronSimError: If it cannot be read.
    """

    def __init__(self, expression: str) -> None:
        from cronsim import CronSim

        self._sim: CronSim = CronSim(expression, _EPOCH)
        self._hours: list[int] = sorted(self._sim.hours)
        self._minutes: list[int] = sorted(self._sim.minutes)
        self._seconds: list[int] = sorted(self._sim.seconds)
        self._first_time: int = self._hours[0] * 3600 + self._minutes[0] * 60 + self._seconds[0]
        self._days: dict[tuple[int, int], tuple[int, ...]] = {}
        """The days of the month that match, by the weekday of the first and how many there are."""

    @property
    def is_interval(self) -> bool:
        """Whether it says how often, and not when: its minute or its hour begins with a star.

        Source: cron(8) of Debian, whose word for it is wildcard job.
        """
        _, minute, hour, *_ = self._sim.parts
        return minute.startswith("*") or hour.startswith("*")

    def words(self) -> str:
        """Returns it in words, as in ``At 02:30 on Monday``."""
        return self._sim.explain()

    def after(self, local: int) -> int | None:
        """Returns the first time later than ``local``; None if there is none for fifty years."""
        day, second = divmod(local, DAY)
        if self._is_on(day) and (found := self._time_after(second)) is not None:
            return day * DAY + found
        following = self._day_after(day)
        return None if following is None else following * DAY + self._first_time

    def _time_after(self, second: int) -> int | None:
        """Returns the first time of a day that matches that is later than a second of it."""
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        if hour in self._sim.hours:
            if minute in self._sim.minutes and second < self._seconds[-1]:
                return hour * 3600 + minute * 60 + _next(self._seconds, second)
            if minute < self._minutes[-1]:
                return hour * 3600 + _next(self._minutes, minute) * 60 + self._seconds[0]
        if hour < self._hours[-1]:
            return _next(self._hours, hour) * 3600 + self._first_time % 3600
        return None

    def _day_after(self, day: int) -> int | None:
        """Returns the first day that matches, later than ``day``."""
        on = date.fromordinal(_FIRST_DAY + day)
        year, month, least = on.year, on.month, on.day
        for _ in range(YEARS * 12):
            days = self._days_of(year, month)
            if days and least < days[-1]:
                return date(year, month, _next(days, least)).toordinal() - _FIRST_DAY
            year, month, least = year + month // 12, month % 12 + 1, 0
            if year > 9999:  # the last one that there is
                break
        return None

    def count(self, after: int, until: int) -> int:
        """Returns how many times there are after ``after``, up to ``until``."""
        first, since = divmod(after, DAY)
        last, to = divmod(until, DAY)
        whole_day = len(self._hours) * len(self._minutes) * len(self._seconds)
        return (
            self._days_between(first, last) * whole_day
            + (self._is_on(last) and self._times_to(to))
            - (self._is_on(first) and self._times_to(since))
        )

    def _times_to(self, second: int) -> int:
        """Returns how many times a day that matches has up to a second of it."""
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        of_minute = _up_to(self._seconds, second)
        of_hour = _up_to(self._minutes, minute - 1) * len(self._seconds)
        of_hour += of_minute if minute in self._sim.minutes else 0
        of_day = _up_to(self._hours, hour - 1) * len(self._minutes) * len(self._seconds)
        return of_day + (of_hour if hour in self._sim.hours else 0)

    def _is_on(self, day: int) -> bool:
        on = date.fromordinal(_FIRST_DAY + day)
        return on.day in self._days_of(on.year, on.month)

    def _days_between(self, first: int, last: int) -> int:
        """Returns how many days match from day ``first`` on, up to the one before ``last``."""
        begin, end = date.fromordinal(_FIRST_DAY + first), date.fromordinal(_FIRST_DAY + last)
        months = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
        total = sum(len(self._days_of(month // 12, month % 12 + 1)) for month in months)
        total -= _up_to(self._days_of(begin.year, begin.month), begin.day - 1)
        of_last = self._days_of(end.year, end.month)
        return total - len(of_last) + _up_to(of_last, end.day - 1)

    def _days_of(self, year: int, month: int) -> tuple[int, ...]:
        if month not in self._sim.months:
            return ()
        shape = monthrange(year, month)
        if shape not in self._days:
            days = range(1, shape[1] + 1)
            self._days[shape] = tuple(
                day for day in days if self._sim.match_day(date(year, month, day))
            )
        return self._days[shape]


def _up_to(numbers: Sequence[int], most: int) -> int:
    return bisect_right(numbers, most)


def _next(numbers: Sequence[int], after: int) -> int:
    return numbers[bisect_right(numbers, after)]
