"""What a time zone does as time goes by: its offset from UTC, and when that changes.

Instants are whole seconds since the epoch. ``zoneinfo`` does not show its tables, so a change is
found by looking once a day and then closer; no zone has ever changed twice within a day in this
century, which a test holds against all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from ...errors import FluidValueError

DAY = 86_400

_SECOND = timedelta(seconds=1)


def zone_called(name: str, subject: str) -> tzinfo:
    """Returns the time zone of that name.

    Raises:
        FluidValueError: If there is none; it says what ``subject`` takes.
    """
    if name.upper() == "UTC":  # known everywhere, also where there is no database of time zones
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise FluidValueError(
            f"{subject} is not a time zone: {name!r}; it takes a name of the IANA database, as in "
            f"'Europe/Berlin', or 'local' for that of the machine; where the system has no such "
            f"database, install tzdata"
        ) from None


def offset_at(zone: tzinfo, instant: int) -> int:
    """Returns how far local time is ahead of UTC, in seconds."""
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return offset // _SECOND


def comes_twice(zone: tzinfo, instant: int) -> bool:
    """Returns whether the local time has been there before, an hour ago for instance."""
    return datetime.fromtimestamp(instant, zone).fold == 1


def changes(zone: tzinfo, after: int, until: int) -> Iterator[int]:
    """Yields the instants after ``after``, up to ``until``, from which on the offset is another."""
    if isinstance(zone, timezone) or after >= until:
        return
    if until - after <= DAY:
        if (change := _change(zone, after, until)) is not None:
            yield change
        return
    for year in range(_year(after), _year(until) + 1):
        for change in _changes_in(zone, year):
            if after < change <= until:
                yield change


def _year(instant: int) -> int:
    return datetime.fromtimestamp(instant, UTC).year


@lru_cache(maxsize=1024)
def _changes_in(zone: tzinfo, year: int) -> tuple[int, ...]:
    """Returns all changes of a year; shared by everybody who has a schedule in that zone."""
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) - 1
    days = range(begin, begin + 366 * DAY, DAY)
    found = (_change(zone, day, day + DAY) for day in days)
    return tuple(change for change in found if change is not None and _year(change) == year)


def _change(zone: tzinfo, low: int, high: int) -> int | None:
    """Returns the first instant of (low, high] at which the offset is that of ``high``."""
    before = offset_at(zone, low)
    if offset_at(zone, high) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
