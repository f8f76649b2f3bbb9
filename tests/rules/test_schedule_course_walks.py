"""The clock goes back and forth, goes wrong slowly, or shows another zone: what holds anyway."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import cron, every
from fluid.rules.schedules.schedule import Schedule
from tests.rules.schedule_course_cast import HOUR, MINUTE, NOON, Asker

APPOINTMENT = cron("0,30 0-23 * * *")
INTERVAL = cron("*/30 * * * *")
ALIGNED = every(1800, first="aligned")

moves = st.lists(
    st.tuples(st.sampled_from(["pass", "pass", "set"]), st.floats(-2.9 * HOUR, 2.9 * HOUR)),
    min_size=1,
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(moves=moves)
def test_what_says_when_fires_at_no_time_twice(moves: list[tuple[str, float]]) -> None:
    """K10: wherever the clock goes, if not by more than three hours in all."""
    asker, ahead, furthest = Asker(APPOINTMENT), 0.0, 0.0
    for move, seconds in moves:
        if move == "pass":
            asker.until(asker.loop + abs(seconds))
        elif furthest - (ahead + seconds) < 3 * HOUR:
            asker.set(seconds)
            ahead += seconds
            furthest = max(furthest, ahead)
    fires = [slot.scheduled for slot in asker.fired]
    assert fires == sorted(set(fires))
    assert all(slot.scheduled % 1800 == 0 for slot in asker.fired)


@settings(max_examples=40, deadline=None)
@given(moves=moves, schedule=st.sampled_from([APPOINTMENT, INTERVAL, ALIGNED]))
def test_no_fire_is_ever_early(moves: list[tuple[str, float]], schedule: Schedule) -> None:
    """K10: what is given has come, and what comes next has not."""
    asker = Asker(schedule)
    for move, seconds in moves:
        asker.pass_(abs(seconds)) if move == "pass" else asker.set(seconds)
        assert all(slot.scheduled <= asker.wall for slot in asker.ask())
        assert asker.course.next_at is not None
        assert asker.course.next_at > asker.wall


@pytest.mark.parametrize("drift", [500e-6, -500e-6])
@pytest.mark.parametrize("schedule", [cron("0 */6 * * *"), cron("0 1,13 * * *")], ids=repr)
def test_a_clock_that_is_slewed_for_a_year_fires_each_time_once(
    schedule: Schedule, drift: float
) -> None:
    """K12: it goes wrong by four hours in all; it is looked at every 100 minutes here."""
    asker = Asker(schedule)
    for _ in range(365 * 24 * 6 // 10):
        asker.pass_(100 * MINUTE)
        asker.set(100 * MINUTE * drift)
        asker.ask()
    count = schedule.series(asker.now).count(asker.start, asker.wall)
    assert len({slot.scheduled for slot in asker.fired}) == len(asker.fired) == count
    assert asker.course.missed == 0


# --- another zone ---------------------------------------------------------------------------------

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("begin", "first", "second", "expected"),
    [
        (0, BERLIN, BERLIN, [20 * HOUR]),
        (0, BERLIN, NEW_YORK, [2 * HOUR]),
        (0, NEW_YORK, BERLIN, [20 * HOUR]),
        (-6 * HOUR, BERLIN, NEW_YORK, [2 * HOUR, 8 * HOUR]),
        (-6 * HOUR, NEW_YORK, BERLIN, [6 * HOUR + 2 * MINUTE]),
    ],
)
def test_another_local_zone_counts_from_when_it_is_seen(
    begin: float, first: ZoneInfo, second: ZoneInfo, expected: list[float]
) -> None:
    """K09: nine o'clock is 8:00 UTC in Berlin and 14:00 in New York, and it changes at noon.

    What the local clock has passed over by that is missed, as if it had been set. It is looked at a
    minute later.
    """
    asker = Asker(cron("0 9 * * *", tz="local"), wall=NOON + begin, zone=first)
    began = asker.until(-begin + MINUTE)
    asker.zone = second
    assert began + asker.until(21 * HOUR) == expected
    fires = [slot.scheduled for slot in asker.fired]
    assert fires == sorted(set(fires))
