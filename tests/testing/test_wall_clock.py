"""The time of day follows its script to the nanosecond; the loop's clock knows nothing of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from math import inf, nan
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.errors import FluidValueError
from fluid.testing.wall_clock import START, WallClock

SECOND = 10**9
HOUR = 3600
YEAR = 365 * 24 * HOUR


class Monotonic:
    """A loop's clock that a test moves by hand."""

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def pass_by(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND)


@pytest.fixture
def loop_time() -> Monotonic:
    return Monotonic()


@pytest.fixture
def wall(loop_time: Monotonic) -> WallClock:
    """A clock whose loop is as old as the epoch, so that the two agree until the script begins."""
    return WallClock(loop_time, start=0)


# Without a script


def test_time_of_day_begins_with_the_year_2000_in_utc(loop_time: Monotonic):
    wall = WallClock(loop_time)
    assert wall.now() == datetime(2000, 1, 1, tzinfo=UTC)
    assert wall.now().tzinfo is UTC
    assert wall.time() == START


def test_time_of_day_goes_as_fast_as_the_loops_clock(loop_time: Monotonic, wall: WallClock):
    loop_time.pass_by(YEAR)
    loop_time.now_ns += 1
    assert wall.time_ns() == YEAR * SECOND + 1
    assert wall.time() == YEAR
    assert wall.now() == datetime(1971, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "expected_ns"),
    [
        (0, 0),
        (-1, -SECOND),
        (1.5, 1_500_000_000),
        (2**60, 2**60 * SECOND),
        (0.1, 100_000_000),
        (357237.7298345025, 357_237_729_834_503),  # rounding twice would make it ...502
        (datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 1000),
        (datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=1))), -HOUR * SECOND),
        (datetime(1970, 1, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), 0),
    ],
)
def test_start_is_seconds_since_the_epoch_or_an_aware_datetime(start: Any, expected_ns: int):
    assert WallClock(lambda: 12345, start=start).time_ns() == expected_ns


def test_start_is_the_time_of_day_when_the_clock_is_made_however_old_the_loop(
    loop_time: Monotonic,
):
    loop_time.pass_by(YEAR)
    wall = WallClock(loop_time, start=5)
    loop_time.pass_by(1)
    assert wall.time() == 6.0


# Steps


@pytest.mark.parametrize("seconds", [1, -1, 0, 0.25, -HOUR, 10 * YEAR, 1e-9])
def test_a_step_moves_the_time_of_day_at_once(wall: WallClock, seconds: float):
    wall.step(seconds)
    assert wall.time_ns() == round(seconds * SECOND)


def test_a_step_at_an_instant_waits_for_it(loop_time: Monotonic, wall: WallClock):
    wall.step(-HOUR, at=10)
    loop_time.now_ns = 10 * SECOND - 1
    assert wall.time_ns() == 10 * SECOND - 1
    loop_time.now_ns = 10 * SECOND
    assert wall.time_ns() == (10 - HOUR) * SECOND
    loop_time.pass_by(1)
    assert wall.time() == 11 - HOUR


def test_steps_add_up(loop_time: Monotonic, wall: WallClock):
    for second in range(100):
        wall.step(0.1, at=second)
    loop_time.pass_by(200)
    assert wall.time() == 210.0


# Slews


@pytest.mark.parametrize("ppm", [500, -500, 0.001, -123.457, 999_999, 0])
def test_a_slew_is_exact_over_a_year_however_often_it_is_read(
    loop_time: Monotonic, wall: WallClock, ppm: float
):
    wall.slew(ppm)
    for _ in range(365 * 24):
        loop_time.pass_by(HOUR)
        wall.time_ns()
    assert wall.time_ns() == YEAR * SECOND + round(ppm * 1000) * YEAR


def test_changes_of_rate_lose_nothing_by_rounding(loop_time: Monotonic, wall: WallClock):
    for _ in range(3000):  # a third of a nanosecond is gained each time, were it not for the 0
        wall.slew(1)
        loop_time.now_ns += 333_333
        wall.slew(0)
        loop_time.now_ns += 1
        wall.time_ns()
    assert wall.time_ns() == loop_time.now_ns + 3000 * 333_333 // 1_000_000


def test_a_slew_lasts_until_the_next_one_and_steps_leave_it_alone(
    loop_time: Monotonic, wall: WallClock
):
    wall.slew(1000)
    wall.step(5, at=1000)
    wall.slew(0, at=2000)
    loop_time.pass_by(10_000)
    assert wall.time() == 10_000 + 5 + 2


def test_a_slew_below_zero_never_turns_time_back(loop_time: Monotonic, wall: WallClock):
    wall.slew(-999_999.999)
    seen = []
    for _ in range(100):
        loop_time.now_ns += 1
        seen.append(wall.time_ns())
    assert seen == sorted(seen)
    with pytest.raises(FluidValueError, match=r"call step\(\) to set it back"):
        wall.slew(-1_000_000)


# Suspends, settings


async def test_a_suspend_moves_the_time_of_day_and_no_timer():
    loop = asyncio.get_running_loop()
    wall = WallClock(lambda: round(loop.time() * 1e9), start=0)
    wall.suspend(8 * HOUR, at=5)
    await asyncio.sleep(10)
    assert loop.time() == 10.0
    assert wall.time() == 8 * HOUR + 10


def test_a_suspend_is_never_negative(wall: WallClock):
    wall.suspend(0)
    with pytest.raises(FluidValueError, match="no machine sleeps for less than no time"):
        wall.suspend(-1)
    assert wall.time() == 0


def test_the_time_of_day_can_be_set(loop_time: Monotonic, wall: WallClock):
    noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    wall.set(noon, at=60)
    loop_time.pass_by(59)
    assert wall.time() == 59
    loop_time.pass_by(2)
    assert wall.now() == noon + timedelta(seconds=1)


# Zones


def test_a_zone_changes_what_is_shown_and_not_what_time_it_is(
    loop_time: Monotonic, wall: WallClock
):
    wall.set_zone("Asia/Kolkata", at=10)
    loop_time.pass_by(9)
    assert wall.now().utcoffset() == timedelta(0)
    loop_time.pass_by(1)
    assert wall.now().utcoffset() == timedelta(hours=5, minutes=30)
    assert wall.time() == wall.now().timestamp() == 10


def test_daylight_saving_time_begins_and_ends_as_the_zone_has_it(loop_time: Monotonic):
    wall = WallClock(
        loop_time,
        start=datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        zone="Europe/Berlin",
    )
    assert wall.now().strftime("%H:%M:%S %Z") == "01:59:59 CET"
    loop_time.pass_by(1)
    assert wall.now().strftime("%H:%M:%S %Z") == "03:00:00 CEST"

    wall.set(datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC))
    assert (wall.now().hour, wall.now().fold) == (2, 0)
    loop_time.pass_by(1)
    assert wall.now().strftime("%H:%M:%S %Z") == "02:00:00 CET"
    assert wall.now().fold == 1


def test_an_hour_that_comes_twice_is_set_by_its_fold(wall: WallClock):
    berlin = ZoneInfo("Europe/Berlin")
    wall.set(datetime(2026, 10, 25, 2, 30, tzinfo=berlin))
    first = wall.time()
    wall.set(datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=berlin))
    assert wall.time() - first == HOUR


def test_now_is_rounded_down_to_whole_microseconds(loop_time: Monotonic, wall: WallClock):
    loop_time.now_ns = 1999
    assert wall.now().microsecond == 1
    wall.step(-1)
    assert wall.now() == datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)


# The order of the script


def test_lines_take_effect_by_instant_and_not_in_the_order_of_writing(
    loop_time: Monotonic, wall: WallClock
):
    wall.step(100, at=20)
    wall.set(datetime.fromtimestamp(0, UTC), at=10)
    wall.slew(1_000_000, at=15)
    loop_time.pass_by(30)
    assert wall.time() == 5 + 2 * 15 + 100


def test_lines_for_one_instant_take_effect_in_the_order_of_writing(
    loop_time: Monotonic, wall: WallClock
):
    wall.set(datetime.fromtimestamp(1000, UTC), at=5)
    wall.step(1, at=5)
    wall.step(7, at=6)
    wall.set(datetime.fromtimestamp(2000, UTC), at=6)
    loop_time.pass_by(5)
    assert wall.time() == 1001
    loop_time.pass_by(1)
    assert wall.time() == 2000


def test_lines_can_be_added_after_a_reading_even_at_the_instant_of_it(
    loop_time: Monotonic, wall: WallClock
):
    loop_time.pass_by(5)
    assert wall.time() == 5
    wall.step(1)
    wall.step(1, at=5)
    assert wall.time() == 7


OPERATIONS = st.one_of(
    st.tuples(st.just("step"), st.integers(-(10**12), 10**12)),
    st.tuples(st.just("suspend"), st.integers(0, 10**12)),
    st.tuples(st.just("slew"), st.integers(-(10**9) + 1, 10**9)),
    st.tuples(st.just("set"), st.integers(0, 10**15)),
)
LINES = st.lists(st.tuples(st.integers(0, 10**11), OPERATIONS), max_size=8)
PASSES = st.lists(st.tuples(st.integers(0, 10**11), LINES), max_size=6)


def brute_force(script: list[tuple[int, str, int]], now_ns: int) -> int:
    """Evaluates a script from its beginning, in fractions of nanoseconds."""
    wall, rate, before = Fraction(0), Fraction(1), 0
    for at_ns, operation, value in sorted(script, key=lambda line: line[0]):
        if at_ns > now_ns:
            break
        wall, before = wall + rate * (at_ns - before), at_ns
        match operation:
            case "slew":
                rate = 1 + Fraction(value, 10**9)
            case "set":
                wall = Fraction(value * 1000)
            case _:
                wall += value
    return (wall + rate * (now_ns - before)) // 1


def write(wall: WallClock, operation: str, value: int, *, at: float) -> None:
    match operation:
        case "slew":
            wall.slew(value / 1000, at=at)
        case "set":
            when = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)
            wall.set(when, at=at)
        case _:
            getattr(wall, operation)(value / 1e9, at=at)


@given(PASSES)
def test_any_script_reads_as_if_it_were_worked_out_from_the_beginning(
    passes: list[tuple[int, list[tuple[int, tuple[str, int]]]]],
):
    monotonic = Monotonic()
    wall = WallClock(monotonic, start=0)
    script: list[tuple[int, str, int]] = []
    for elapsed_ns, lines in passes:
        for delay_ns, (operation, value) in lines:
            at_ns = monotonic.now_ns + delay_ns
            script.append((at_ns, operation, value))
            write(wall, operation, value, at=at_ns / 1e9)
        assert wall.time_ns() == brute_force(script, monotonic.now_ns)
        monotonic.now_ns += elapsed_ns
        assert wall.time_ns() == brute_force(script, monotonic.now_ns)


# What is refused


@pytest.mark.parametrize("value", [nan, inf, -inf, True, "5", None, 1j])
@pytest.mark.parametrize("verb", ["step", "slew", "suspend"])
def test_what_is_no_finite_number_is_refused(wall: WallClock, verb: str, value: Any):
    with pytest.raises(FluidValueError, match="is not a finite number of"):
        getattr(wall, verb)(value)


@pytest.mark.parametrize("value", [nan, inf, False, "5"])
def test_an_instant_that_is_no_finite_number_is_refused(wall: WallClock, value: Any):
    with pytest.raises(FluidValueError, match="at is not a finite number of seconds"):
        wall.step(1, at=value)


@pytest.mark.parametrize("value", [nan, inf, True, "2000-01-01", None])
def test_a_start_that_is_no_time_of_day_is_refused(loop_time: Monotonic, value: Any):
    with pytest.raises(FluidValueError, match="the time of day is not a finite number"):
        WallClock(loop_time, start=value)


def test_a_naive_datetime_is_refused_with_what_to_write(loop_time: Monotonic, wall: WallClock):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 what is refused
    with pytest.raises(FluidValueError, match=r"write  datetime\(\.\.\., tzinfo=UTC\)"):
        wall.set(naive)
    with pytest.raises(FluidValueError, match="has no time zone"):
        WallClock(loop_time, start=naive)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "", "../etc/passwd", "a\0b", None, 5])
def test_an_unknown_zone_is_refused(loop_time: Monotonic, wall: WallClock, name: Any):
    with pytest.raises(FluidValueError, match="there is no time zone called"):
        wall.set_zone(name)
    with pytest.raises(FluidValueError, match="there is no time zone called"):
        WallClock(loop_time, zone=name)


def test_the_past_is_refused_with_what_to_write(loop_time: Monotonic, wall: WallClock):
    loop_time.pass_by(60)
    with pytest.raises(FluidValueError, match=r"shows 60\.0 already.*at=loop\.time\(\) \+ delay"):
        wall.step(1, at=59.999)
    assert wall.time() == 60


def test_what_was_refused_leaves_no_trace_in_the_script(loop_time: Monotonic, wall: WallClock):
    for refused in [
        lambda: wall.step(nan),
        lambda: wall.set_zone("?"),
        lambda: wall.step(1, at=-1),
    ]:
        with pytest.raises(FluidValueError):
            refused()
    loop_time.pass_by(10)
    assert wall.time_ns() == 10 * SECOND


def test_the_loops_own_time_is_never_the_past_also_where_floats_are_coarser_than_nanoseconds():
    loop_time = Monotonic(10**17 + 7)  # three years; floats are fifteen nanoseconds apart
    wall = WallClock(loop_time)
    wall.set(datetime.fromtimestamp(0, UTC), at=loop_time.now_ns / 1e9)
    assert wall.time_ns() == 0
