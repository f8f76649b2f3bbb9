"""The instants of a cron expression in a time zone.

Local time runs in straight lines, from one change of the zone's offset to the next. On each line
the calendar is right; what happens between two lines is the rule that is written here:

- An expression that says how often (``*/5 * * * *``) goes by the time that passes. Local times that
  do not exist are left out, and those that come twice come twice.
- An expression that says when (``30 2 * * *``) happens once. If its time does not exist, as the
  clock is put forward, it is the instant of the change; if its time comes twice, it is the first.

Source: both are those of Debian's cron(8), for changes of any length.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from math import floor

from .calendar import Calendar
from .zones import DAY, changes, comes_twice, offset_at


class Times:
    """The instants of one expression in one zone, in seconds since the epoch."""

    def __init__(self, calendar: Calendar, zone: tzinfo) -> None:
        self.calendar: Calendar = calendar
        self._zone: tzinfo = zone
        self.is_interval: bool = calendar.is_interval
        self._latest: tuple[float, float | None] = (0.0, None)
        """The last question and its answer: whoever shares a schedule asks at the same instants."""

    def after(self, instant: float) -> float | None:
        """Returns the first instant later than ``instant``; None if there is none for long."""
        asked, answer = self._latest
        if asked != instant or answer is None:
            answer = self._after(floor(instant))
            self._latest = instant, answer
        return answer

    def _after(self, instant: int) -> float | None:
        offset = offset_at(self._zone, instant)
        line = instant
        while (local := self.calendar.after(instant + offset)) is not None:
            found = local - offset
            change = next(changes(self._zone, line, found), None)
            if change is not None:
                offset, before = offset_at(self._zone, change), offset
                if not self.is_interval and self._in_gap(change, before, offset):
                    return float(change)
                line, instant = change, change - 1
            elif self.is_interval or not comes_twice(self._zone, found):
                return float(found)
            else:
                instant = self._end_of_repeat(found) - 1
        return None

    def _in_gap(self, change: int, before: int, offset: int) -> bool:
        """Returns whether a time is among those that a change of the offset leaves out."""
        first = self.calendar.after(change + before - 1)
        return first is not None and first < change + offset

    def _end_of_repeat(self, instant: int) -> int:
        """Returns when the local times that come twice, of which ``instant`` has one, are over."""
        *_, change = changes(self._zone, instant - DAY, instant)
        return change + offset_at(self._zone, change - 1) - offset_at(self._zone, change)

    def count(self, after: float, until: float) -> int:
        """Returns how many there are after ``after``, up to ``until``: without going to each."""
        if after >= until:
            return 0
        begin, end = floor(after), floor(until)
        if not self.is_interval and comes_twice(self._zone, begin):
            begin = max(begin, self._end_of_repeat(begin) - 1)
        total, offset = 0, offset_at(self._zone, begin)
        for change in changes(self._zone, begin, end):
            total += self._on_line(begin, change - 1, offset)
            offset, before = offset_at(self._zone, change), offset
            begin = change - 1
            if not self.is_interval and offset < before:
                begin += before - offset
            if not self.is_interval and self._in_gap(change, before, offset):
                total += 1
                begin += 1  # a time of that very instant is the same one
        return total + self._on_line(begin, end, offset)

    def _on_line(self, after: int, until: int, offset: int) -> int:
        return self.calendar.count(after + offset, until + offset) if after < until else 0

    def newest(self, after: float, until: float) -> float:
        """Returns the last one after ``after``, up to ``until``: there has to be one."""
        found, high = self.after(after), floor(until)
        assert found is not None
        low = floor(found)
        while low < high:
            middle = (low + high) // 2
            later = self._after(middle)
            if later is not None and later <= until:
                found, low = later, floor(later)
            else:
                high = middle
        return found


@lru_cache(maxsize=256)
def times_of(expression: str, zone: tzinfo) -> Times:
    """Returns the times of an expression, read once for all who use it."""
    return Times(Calendar(expression), zone)
