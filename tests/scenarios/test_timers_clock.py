"""The time of day is put back or forward, or goes on while the machine sleeps: what fires then.

Each day begins at nine. A change is noticed within a minute.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from fluid import Missed, Overlap, cron, every
from fluid.worker.timers.alarms import LOOK_AGAIN
from tests.scenarios.timer_calendar import DAY, HOUR, MINUTE
from tests.scenarios.timer_cast import Timed, seconds_of_day, wall

RATE = every(600)
ALIGNED = every(600, first="aligned")
INTERVAL = cron("*/10 * * * *")
SLOW = cron("*/30 * * * *")
DAILY = cron("30 9 * * *")
HALVES = cron("0,30 9-12 * * *")

TEN_YEARS = (datetime(2010, 1, 1, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)).days

BEGIN = 9 * HOUR


async def lived(schedule, change: Change, minutes: float, *, of: float, **options) -> Timed:
    """Returns a worker that has lived so long, with that change of the clock on its way."""
    wall().step(BEGIN)
    async with Timed(schedule, **options) as timed:
        await asyncio.sleep(minutes * MINUTE)
        change()
        await asyncio.sleep((of - minutes) * MINUTE)
    timed.assert_nothing_is_left()
    return timed


class Change(NamedTuple):
    """What becomes of the time of day."""

    verb: str
    seconds: float

    def __call__(self) -> None:
        getattr(wall(), self.verb)(self.seconds)

    def __str__(self) -> str:
        return f"{self.verb} {self.seconds:g}"


def back(**period: float) -> Change:
    """Returns what puts the clock back."""
    return Change("step", -timedelta(**period).total_seconds())


def forward(**period: float) -> Change:
    """Returns what puts the clock forward."""
    return Change("step", timedelta(**period).total_seconds())


def asleep(hours: float) -> Change:
    """Returns what suspends the machine."""
    return Change("suspend", hours * HOUR)


def clock(*times: str) -> list[str]:
    """Returns times of day in full."""
    return [f"{time}:00" for time in times]


# --- back ----------------------------------------------------------------------------------------

each_policy = pytest.mark.parametrize("missed", [Missed.ONCE, Missed.SKIP, Missed.all(3)], ids=repr)


@pytest.mark.parametrize(
    ("missed", "overlap"),
    [
        (Missed.ONCE, Overlap.SKIP),
        (Missed.SKIP, Overlap.QUEUE_ONE),
        (Missed.all(3), Overlap.concurrent(2)),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    ("schedule", "change", "dues"),
    [
        (ALIGNED, back(hours=1), clock("08:30", "08:40", "08:50", "09:00")),
        (INTERVAL, back(hours=1), clock("08:30", "08:40", "08:50", "09:00")),
        (INTERVAL, back(hours=5), clock("04:30", "04:40", "04:50", "05:00")),
        (INTERVAL, back(minutes=10), clock("09:20", "09:30", "09:40", "09:50")),
        (INTERVAL, back(minutes=8), clock("09:20", "09:30", "09:40", "09:50")),
        (INTERVAL, back(minutes=4), clock("09:30", "09:40", "09:50")),
        (INTERVAL, back(minutes=1), clock("09:30", "09:40", "09:50", "10:00")),
        (SLOW, back(minutes=5), clock("09:30")),
    ],
    ids=str,
)
async def test_a_clock_that_is_put_back_stops_no_rate(
    schedule, change, dues: list[str], missed: Missed, overlap: Overlap
) -> None:
    """K10: at 9:22, and 41 minutes more are lived. No fire comes sooner than half a period."""
    timed = await lived(schedule, change, 22, of=63, missed=missed, overlap=overlap)
    before = [] if schedule is SLOW else clock("09:10", "09:20")
    assert timed.dues == before + dues
    assert await timed.counts() == (len(timed.dues), 0, 0)
    gaps = [b - a for a, b in zip(timed.began, timed.began[1:], strict=False)]
    assert all(300 <= gap < 900 for gap in gaps)


@each_policy
@pytest.mark.parametrize(
    ("schedule", "change", "dues"),
    [
        (DAILY, back(minutes=20), clock("09:30", "09:30")),
        (DAILY, back(hours=1), clock("09:30", "09:30")),
        (DAILY, back(hours=3), clock("09:30", "09:30")),
        (
            HALVES,
            back(minutes=5),
            clock("09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30"),
        ),
        (HALVES, back(hours=1), clock("09:30", "10:00", "10:30", "11:00", "11:30", "12:00")),
    ],
    ids=str,
)
async def test_an_appointment_that_was_kept_is_not_kept_again(
    schedule, change, dues: list[str], missed: Missed
) -> None:
    """K10: at 9:40. What had been fired waits until the clock has passed it."""
    of = 28 * 60 if schedule is DAILY else 250
    timed = await lived(schedule, change, 40, of=of, missed=missed)
    assert timed.dues == dues
    assert (await timed.counts())[1:] == (0, 0)
    if schedule is DAILY:
        assert timed.began[1] - timed.began[0] > DAY


@pytest.mark.parametrize("minutes", [31, 120, 400])
async def test_a_clock_that_is_put_back_by_more_than_three_hours_was_wrong(minutes: int) -> None:
    """K10: and its appointments count anew, however long ago the last one was."""
    hours = max(3, (minutes - 25) / 60) + 0.05  # what passes until it is noticed does not count
    timed = await lived(DAILY, back(hours=hours), minutes, of=minutes + 200)
    assert timed.dues == clock("09:30", "09:30")
    assert timed.began == [1800, pytest.approx(1800 + hours * HOUR)]


async def test_clocks_that_were_wrong_before_do_not_make_this_one_wrong() -> None:
    """K10: six hours back to a time that is later than the last fire, and then ten minutes."""
    wall().step(BEGIN)
    async with Timed(DAILY) as timed:
        await asyncio.sleep(7 * HOUR)
        wall().step(-6 * HOUR - 25 * MINUTE)
        await asyncio.sleep(2 * MINUTE)
        assert seconds_of_day() == BEGIN + 37 * MINUTE
        wall().step(-10 * MINUTE)
        await asyncio.sleep(HOUR)
    assert timed.dues == clock("09:30")


@pytest.mark.parametrize("change", [back(hours=1), back(hours=9), forward(hours=1)], ids=str)
async def test_a_rate_by_the_clock_of_the_loop_does_not_notice(change) -> None:
    """K10, K11, K14"""
    timed = await lived(RATE, change, 25, of=60)
    assert timed.began == [0, 600, 1200, 1800, 2400, 3000, 3600][: len(timed.began)]
    assert len(timed.began) in (6, 7)


# --- forward, and asleep -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "change", "passed"),
    [
        (INTERVAL, forward(hours=1), 6),
        (ALIGNED, forward(hours=1), 6),
        (HALVES, forward(hours=1), 2),
        (INTERVAL, asleep(8), 48),
        (ALIGNED, asleep(8), 48),
        (HALVES, asleep(8), 7),
        (DAILY, asleep(8), 1),
        (INTERVAL, forward(days=TEN_YEARS), TEN_YEARS * 144),
        (ALIGNED, forward(days=TEN_YEARS), TEN_YEARS * 144),
        (HALVES, forward(days=TEN_YEARS), TEN_YEARS * 8),
        (DAILY, forward(days=TEN_YEARS), TEN_YEARS),
    ],
    ids=str,
)
@pytest.mark.parametrize("most", [0, 1, 3])
async def test_what_a_clock_passes_over_is_missed(schedule, change, passed: int, most: int) -> None:
    """K11, K14: at 9:25; the last of them was at twenty past, so too late for SKIP."""
    missed = (Missed.SKIP, Missed.ONCE, None, Missed.all(3))[most]
    wall().step(BEGIN)
    async with Timed(schedule, missed=missed) as timed:
        await asyncio.sleep(25 * MINUTE)
        before = len(timed.began)
        change()
        await asyncio.sleep(LOOK_AGAIN + 1)
        made_up_for = min(passed, most)
        assert len(timed.began) == before + made_up_for
        assert all(at <= 1500 + LOOK_AGAIN for at in timed.began[before:])
        fires, skipped, lost = await timed.counts()
        assert (fires, skipped, lost) == (before + made_up_for, 0, passed - made_up_for)
        assert timed.losses == lost
        assert [fire.missed for fire in timed.fires[before:]] == (
            [lost] + [0] * (made_up_for - 1) if made_up_for else []
        )
        await asyncio.sleep(5 * MINUTE)
        assert (await timed.counts())[2] == lost
    timed.assert_in_order()


async def test_what_is_late_by_no_more_than_the_tolerance_is_not_missed() -> None:
    """K14: a minute after the hour, the machine wakes up."""
    timed = await lived(INTERVAL, asleep(7.6), 25, of=27, missed=Missed.skip(150))
    assert timed.dues == clock("09:10", "09:20", "17:00")
    assert await timed.counts() == (3, 0, 45)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
async def test_ten_years_that_are_passed_over_take_no_memory(zone: str) -> None:
    """K11: there were five million minutes in them."""
    async with Timed(cron("* * * * *", tz=zone)) as timed:
        await asyncio.sleep(90)
        tracemalloc.start()
        try:
            wall().step(TEN_YEARS * DAY)
            await asyncio.sleep(60)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert await timed.counts() == (2, 0, TEN_YEARS * 1440)
    assert peak < 200_000
