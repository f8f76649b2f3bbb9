"""Where the clock is put forward or back: what says when fires once, what says how often goes on.

All zones and all of their changes take a minute, in ``python -m tests.rules.schedule_campaign 0``;
here it is one zone in six, each for another year of the forty, and one change in sixty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fluid.rules.schedules.times import times_of
from fluid.rules.schedules.zones import DAY, changes, comes_twice, offset_at
from tests.rules.schedule_campaign import all_changes, check_change, check_changes
from tests.rules.schedule_zone_cast import BEGIN, END, NAMES, zone_of

CHANGES = list(all_changes(NAMES))


def seconds(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def fires(expression: str, zone: str, begin: str, end: str) -> list[str]:
    """Returns when it fires after one time of UTC, up to another one; the day is left out."""
    times = times_of(expression.upper(), ZoneInfo(zone))
    at, until = (datetime.fromisoformat(text + "Z").timestamp() for text in (begin, end))
    found: list[str] = []
    count = times.count(at, until)
    while (following := times.after(at)) is not None and following <= until:
        at = following
        found.append(datetime.fromtimestamp(at, UTC).strftime("%H:%M"))
    assert count == len(found)
    return found


# --- changes --------------------------------------------------------------------------------------


def test_no_zone_changes_twice_within_a_day() -> None:
    """K09: which is why a look a day finds them all."""
    closest = min(
        later - change
        for name in NAMES
        for change, later in zip(zone_of(name).changes, zone_of(name).changes[1:], strict=False)
    )
    assert closest > DAY


def test_all_changes_are_found_and_no_others() -> None:
    """K09: as the files of the zones have them, each zone for another year."""
    for number, name in enumerate(NAMES[::6]):
        year = 2000 + number * 7 % 41
        check_changes(name, seconds(year) - 1, seconds(year + 1))


@pytest.mark.parametrize("name", ["America/New_York", "Africa/Casablanca", "Pacific/Apia"])
def test_all_changes_of_forty_years_are_found(name: str) -> None:
    """K09: a rule of the last century, one that was written out by hand, and a day left out."""
    check_changes(name, BEGIN, END - 1)


def test_a_change_at_the_very_beginning_is_past_and_one_at_the_end_is_not() -> None:
    """K09: in one look at a day, and in one at a year."""
    zone, change = ZoneInfo("Europe/Berlin"), zone_of("Europe/Berlin").changes[0]
    for length in (1, DAY, 3 * DAY):
        assert list(changes(zone, change - length, change)) == [change]
        assert list(changes(zone, change - 1, change - 1 + length)) == [change]
        assert list(changes(zone, change, change + length)) == []
        assert list(changes(zone, change - length, change - 1)) == []


@pytest.mark.parametrize("name", ["Asia/Kolkata", "UTC", "Etc/GMT-14"])
def test_a_zone_that_never_changes_has_no_changes(name: str) -> None:
    assert list(changes(ZoneInfo(name), BEGIN, END)) == []
    assert list(changes(UTC, BEGIN, END)) == []


def test_offsets_and_what_comes_twice_are_those_of_the_files() -> None:
    """K09"""
    for name, change in CHANGES[::60]:
        facts, zone = zone_of(name), ZoneInfo(name)
        shift = facts.offset(change) - facts.offset(change - 1)
        for at in (change - 1, change, change + abs(shift) - 1, change + abs(shift)):
            assert offset_at(zone, at) == facts.offset(at)
            is_second = facts.instants_of(at + facts.offset(at))[0] < at
            assert comes_twice(zone, at) == is_second
            assert is_second == (shift < 0 and change <= at < change - shift)


# --- what fires around them -----------------------------------------------------------------------


@pytest.mark.parametrize("first", range(6))
def test_around_a_change_all_fires_are_those_that_cron_finds_by_looking(first: int) -> None:
    """K09: one change in sixty, of all that differ."""
    seen = [check_change(name, change) for name, change in CHANGES[first * 10 :: 360]]
    assert sum(seen) > 10 * len(seen)


def test_around_an_odd_change_too() -> None:
    """K09: by half an hour, by two or three, by a day."""
    shifts = {}
    for name, change in CHANGES:
        zone = zone_of(name)
        shifts.setdefault(zone.offset(change) - zone.offset(change - 1), (name, change))
    assert {1800, -1800, 86_400}.issubset(shifts)
    for name, change in shifts.values():
        check_change(name, change)


GAP = ("2026-03-28T23:30", "2026-03-29T03:00")  # in Berlin, at 01:00 UTC: from 2:00 to 3:00
FOLD = ("2026-10-24T23:30", "2026-10-25T03:00")  # at 01:00 UTC: from 3:00 back to 2:00


@pytest.mark.parametrize(
    ("expression", "gap", "fold"),
    [
        ("30 2 * * *", ["01:00"], ["00:30"]),
        ("0 2 * * *", ["01:00"], ["00:00"]),
        ("0 3 * * *", ["01:00"], ["02:00"]),
        ("59 1 * * *", ["00:59"], ["23:59"]),
        ("0,30 2 * * *", ["01:00"], ["00:00", "00:30"]),
        ("0 2,3 * * *", ["01:00"], ["00:00", "02:00"]),
        ("30 1-3 * * *", ["00:30", "01:00", "01:30"], ["00:30", "02:30"]),
        ("*/30 2 * * *", [], ["00:00", "00:30", "01:00", "01:30"]),
        ("30 * * * *", ["00:30", "01:30", "02:30"], ["00:30", "01:30", "02:30"]),
        ("0 */2 * * *", ["02:00"], ["00:00", "01:00", "03:00"]),
    ],
)
def test_what_fires_on_the_days_of_the_change(
    expression: str, gap: list[str], fold: list[str]
) -> None:
    """K09: a time that does not exist is that of the change, even if two of them fall there."""
    assert fires(expression, "Europe/Berlin", *GAP) == gap
    assert fires(expression, "Europe/Berlin", *FOLD) == fold


@pytest.mark.parametrize(
    ("zone", "expression", "begin", "end", "expected"),
    [
        # half an hour, at two o'clock
        ("Australia/Lord_Howe", "15 2 * * *", "2025-10-04T12:00", "2025-10-05T12:00", ["15:30"]),
        ("Australia/Lord_Howe", "45 2 * * *", "2025-10-04T12:00", "2025-10-05T12:00", ["15:45"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2025-04-05T12:00", "2025-04-06T12:00", ["14:45"]),
        # the 30th of December 2011 was left out
        ("Pacific/Apia", "0 12 30 12 *", "2011-12-20T00:00", "2012-01-20T00:00", ["10:00"]),
        ("Pacific/Apia", "0 12 * * *", "2011-12-29T00:00", "2011-12-31T12:00",
         ["22:00", "10:00", "22:00"]),
        ("Pacific/Apia", "*/30 12 30 12 *", "2011-12-20T00:00", "2012-01-20T00:00", []),
        # midnight does not exist
        ("Asia/Beirut", "0 0 * * *", "2026-03-28T12:00", "2026-03-29T12:00", ["22:00"]),
        ("Asia/Beirut", "30 0 * * *", "2026-03-28T12:00", "2026-03-29T12:00", ["22:00"]),
        ("Asia/Beirut", "30 23 * * *", "2026-10-24T12:00", "2026-10-25T12:00", ["20:30"]),
        # two hours
        ("Antarctica/Troll", "30 2 * * *", "2026-03-28T12:00", "2026-03-29T12:00", ["01:00"]),
        ("Antarctica/Troll", "30 2 * * *", "2026-10-24T12:00", "2026-10-25T12:00", ["00:30"]),
        # winter is the one that is called saving
        ("Europe/Dublin", "30 1 * * *", "2026-03-28T12:00", "2026-03-29T12:00", ["01:00"]),
        ("Europe/Dublin", "30 1 * * *", "2026-10-24T12:00", "2026-10-25T12:00", ["00:30"]),
        # for good
        ("Asia/Pyongyang", "45 23 * * *", "2015-08-14T00:00", "2015-08-15T12:00", ["14:45"]),
        ("Asia/Pyongyang", "45 23 * * *", "2018-05-04T00:00", "2018-05-05T12:00", ["15:00"]),
    ],
)  # fmt: skip
def test_zones_with_odd_changes(
    zone: str, expression: str, begin: str, end: str, expected: list[str]
) -> None:
    """K09"""
    assert fires(expression, zone, begin, end) == expected


def test_seconds_go_by_the_same_rule() -> None:
    """K09: with six fields an appointment is one, and a star in the minute is an interval."""
    berlin = ZoneInfo("Europe/Berlin")
    change = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
    for expression, expected in (("*/30 30 2 * * *", 2), ("*/30 */30 2 * * *", 8)):
        assert times_of(expression, berlin).count(change - 3601, change + 3599) == expected


def test_counting_ten_years_does_not_go_to_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """K11: a clock that is put forward by ten years costs as many steps as there are changes."""
    times = times_of("*/5 * * * *", ZoneInfo("Europe/Berlin"))
    asked: list[float] = []
    after = times.calendar.after
    monkeypatch.setattr(times.calendar, "after", lambda at: asked.append(at) or after(at))
    begin, end = seconds(2026), seconds(2036)
    assert times.count(begin, end) == (end - begin) / 300
    assert times.newest(begin, end) == end
    assert len(asked) < 100


def test_after_the_last_year_there_is_nothing_more() -> None:
    """K16: datetime knows none beyond 9999."""
    assert times_of("0 0 1 1 *", UTC).after(seconds(9998)) == seconds(9999)
    assert times_of("0 0 1 1 *", UTC).after(seconds(9999)) is None
