"""Cron expressions fire when brute force says that they do.

The expressions come by chance; ``python -m tests.rules.schedule_campaign 100000`` takes more.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from fluid import cron
from fluid.rules.schedules.times import times_of
from tests.rules.schedule_campaign import check_expression
from tests.rules.schedule_cast import Fields, expression, fires, scan
from tests.rules.schedule_zone_cast import zone_of

HOW_MANY = 200
AT_ONCE = 20


@pytest.mark.parametrize("first", range(0, HOW_MANY, AT_ONCE))
def test_an_expression_fires_when_a_scan_of_all_local_times_says_so(first: int) -> None:
    """K15: from one fire to the next, how many there are in between, and which is the newest."""
    looked_at = [check_expression(number) for number in range(first, first + AT_ONCE)]
    assert sum(looked_at) > 10 * AT_ONCE


def test_the_two_ways_of_brute_force_agree() -> None:
    """One looks for each local time, the other looks at the clock every minute."""
    random, zone, seen = Random(15), zone_of("Australia/Lord_Howe"), 0
    for change in zone.changes[::20]:
        begin, end = change - 6 * 3600, change + 6 * 3600
        for _ in range(4):
            fields = Fields(" ".join(expression(random).split()[-5:-3] + ["*"] * 3))
            expected = fires(fields, zone, begin, end)
            assert scan(fields, zone, begin, end) == expected
            seen += len(expected)
    assert seen > 100


# --- by hand --------------------------------------------------------------------------------------


def days(text: str, start: str, number: int = 3) -> list[str]:
    """Returns on which days an expression fires after a day."""
    at: datetime | None = datetime.fromisoformat(start).replace(tzinfo=UTC)
    schedule, found = cron(text), []
    for _ in range(number):
        assert at is not None
        at = schedule.next(at)
        assert at is not None
        found.append(at.strftime("%Y-%m-%d"))
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("13 * FRI", ["2026-01-02", "2026-01-09", "2026-01-13"]),
        ("13 * *", ["2026-01-13", "2026-02-13", "2026-03-13"]),
        ("* * FRI", ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("*/2 * FRI", ["2026-01-09", "2026-01-23", "2026-02-13"]),
        ("L * *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("LW * *", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("* * FRI#2", ["2026-01-09", "2026-02-13", "2026-03-13"]),
        ("* * 5L", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("* * 0L", ["2026-01-25", "2026-02-22", "2026-03-29"]),
        ("* * 7", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("31 * *", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("1,L feb,dec *", ["2026-02-01", "2026-02-28", "2026-12-01"]),
        ("*/10 * *", ["2026-01-11", "2026-01-21", "2026-01-31"]),
        ("20/5 * *", ["2026-01-20", "2026-01-25", "2026-01-30"]),
    ],
)
def test_days_are_those_of_cron(fields: str, expected: list[str]) -> None:
    """K15: either of the two day fields is enough, but if one begins with a star it takes both."""
    assert days(f"0 0 {fields}", "2026-01-01") == expected


def test_the_rarest_day_is_found_forty_years_ahead() -> None:
    """K15: the 29th of February was a Monday in 2072, and is again in 2112 (2100 has none)."""
    assert days("0 0 */28 2 MON#5", "2072-03-01", 1) == ["2112-02-29"]


def test_seconds_are_the_first_of_six_fields() -> None:
    """K15"""
    times, start = times_of("*/25 59 23 * * *", UTC), 86_400 - 120
    assert times.after(start) == 86_400 - 60
    assert times.count(start, 86_400) == 3
    assert times.newest(start, 86_400) == 86_400 - 10


@pytest.mark.parametrize(
    ("alias", "expression"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("@Hourly", "0 * * * *"),
        ("  0   0 * *\tMON ", "0 0 * * mon"),
    ],
)
def test_an_alias_is_the_expression_that_it_stands_for(alias: str, expression: str) -> None:
    assert cron(alias) == cron(expression)


def test_a_slot_at_the_very_instant_that_is_asked_about_is_past() -> None:
    times = times_of("*/5 * * * *", UTC)
    assert times.after(299.999) == 300
    assert times.after(300) == 600
    assert times.count(300, 600) == 1
    assert times.count(299.5, 600) == 2
    assert times.count(600, 300) == 0
