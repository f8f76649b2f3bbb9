"""Time zones as their files have them: read by hand, so as not to believe what is to be tested."""

from __future__ import annotations

import re
import struct
import zoneinfo
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path

FIRST_YEAR, LAST_YEAR = 2000, 2040

BEGIN = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

NAMES = sorted(zoneinfo.available_timezones())


class Zone:
    """A zone from 1999 to 2044: its offsets, and when they change."""

    def __init__(self, name: str) -> None:
        self.name = name
        pairs = _without_repeats(_read(_data(name)))
        self.instants: list[int] = [instant for instant, _ in pairs]
        """When another offset begins; the first one has always been there."""
        self.offsets: list[int] = [offset for _, offset in pairs]

    @property
    def changes(self) -> list[int]:
        """All changes of the years that are tested."""
        return [instant for instant in self.instants[1:] if BEGIN <= instant < END]

    def offset(self, instant: int) -> int:
        """Returns how far local time is ahead of UTC, in seconds."""
        return self.offsets[bisect_right(self.instants, instant) - 1]

    def offsets_in(self, begin: int, end: int) -> list[int]:
        """Returns all offsets of a period, and the one right before it."""
        first, last = (bisect_right(self.instants, at) for at in (begin - 1, end))
        return self.offsets[first - 1 : last]

    def instants_of(self, local: int) -> list[int]:
        """Returns when the clock shows a local time: once, twice, or never."""
        offsets = self.offsets_in(local - 86_400, local + 86_400)
        if len(offsets) == 1:
            return [local - offsets[0]]
        places = {local - offset for offset in offsets}
        return sorted(place for place in places if place + self.offset(place) == local)

    def change_over(self, local: int) -> int:
        """Returns the change at which the clock goes beyond a local time that it never shows."""
        for instant, before, after in zip(
            self.instants[1:], self.offsets, self.offsets[1:], strict=False
        ):
            if instant + before <= local < instant + after:
                return instant
        raise AssertionError(f"{self.name} shows {local}")


@lru_cache(maxsize=700)
def zone_of(name: str) -> Zone:
    """Returns the zone of a name, read once."""
    return Zone(name)


def _data(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        if (path := Path(folder, name)).is_file():
            return path.read_bytes()
    return resources.files("tzdata.zoneinfo").joinpath(name).read_bytes()


def _without_repeats(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns only what changes the offset, and not merely its name, in the years we look at."""
    kept = pairs[:1]
    for instant, offset in pairs[1:]:
        if instant < BEGIN - 366 * 86_400:
            kept = [(-(2**62), offset)]
        elif offset != kept[-1][1]:
            kept.append((instant, offset))
    return kept


# --- the file, as RFC 8536 describes it -----------------------------------------------------------


def _read(data: bytes) -> list[tuple[int, int]]:
    """Returns the instants and the offsets that begin there."""
    body = 44 + _size(data, 0, 4)  # what comes first is the same for 32 bits
    _, times, types, _ = _counts(data, body)
    start = body + 44
    instants = struct.unpack_from(f">{times}q", data, start)
    kinds = data[start + 8 * times : start + 9 * times]
    offsets = [
        struct.unpack_from(">l", data, start + 9 * times + 6 * kind)[0] for kind in range(types)
    ]
    pairs = [(-(2**62), offsets[0])]
    pairs += [(at, offsets[kind]) for at, kind in zip(instants, kinds, strict=True)]
    rule = data[start + _size(data, body, 8) :].strip(b"\n").decode()
    return pairs + [pair for pair in _by_rule(rule) if pair[0] > pairs[-1][0]]


def _counts(data: bytes, at: int) -> tuple[int, int, int, int]:
    _, _, leaps, times, types, letters = struct.unpack_from(">6l", data, at + 20)
    return leaps, times, types, letters


def _size(data: bytes, at: int, width: int) -> int:
    leaps, times, types, letters = _counts(data, at)
    is_std, is_ut = struct.unpack_from(">2l", data, at + 20)[::-1]
    return times * (width + 1) + types * 6 + letters + leaps * (width + 4) + is_std + is_ut


_NAME = r"(?:[A-Za-z]+|<[^>]+>)"
_RULE = re.compile(rf"{_NAME}([-+:\d]+)(?:{_NAME}([-+:\d]*),M([^,]+),M(.+))?")


def _by_rule(rule: str) -> list[tuple[int, int]]:
    """Returns the changes that the last line of a file foretells, up to 2044."""
    found = _RULE.fullmatch(rule)
    assert found is not None, rule
    standard, summer, begins, ends = found.groups()
    if begins is None:
        return []
    usual = -_seconds(standard)
    ahead = -_seconds(summer) if summer else usual + 3600
    years = range(FIRST_YEAR - 1, LAST_YEAR + 4)
    pairs = [(_day_of(begins, year) - usual, ahead) for year in years]
    return sorted(pairs + [(_day_of(ends, year) - ahead, usual) for year in years])


def _day_of(text: str, year: int) -> int:
    """Returns the local time of ``3.5.0/2``: the last Sunday of March, two o'clock."""
    when, _, time = text.partition("/")
    month, week, weekday = map(int, when.split("."))
    first = date(year, month, 1)
    on = first + timedelta((weekday - first.isoweekday()) % 7 + 7 * (week - 1))
    if on.month != month:
        on -= timedelta(7)
    return (on.toordinal() - 719_163) * 86_400 + _seconds(time or "2")


def _seconds(text: str) -> int:
    hours, minutes, seconds = [*map(int, text.lstrip("+-").split(":")), 0, 0][:3]
    return (hours * 3600 + minutes * 60 + seconds) * (-1 if text.startswith("-") else 1)
