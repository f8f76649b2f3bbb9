"""What is said of a cron expression that cannot be read: which field, and what it takes."""

from __future__ import annotations

from datetime import UTC, datetime
from sys import float_info

import pytest

from fluid import FluidValueError, cron, every
from fluid.rules.schedules.moment import Moment


@pytest.mark.parametrize(
    ("expression", "lesson"),
    [
        ("60 * * * * *", "its second is '60'; it takes 0 to 59"),
        ("60 * * * *", "its minute is '60'; it takes 0 to 59"),
        ("0 24 * * *", "its hour is '24'; it takes 0 to 23"),
        ("0 0 32 * *", "its day-of-month is '32'; it takes 1 to 31, L or LW"),
        ("0 0 0 * *", "its day-of-month is '0'; it takes 1 to 31, L or LW"),
        ("0 0 * 13 *", "its month is '13'; it takes 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "its day-of-week is '8'; it takes 0 to 7 or SUN to SAT"),
        ("5-1 * * * *", "its minute is '5-1'; it takes 0 to 59, and ranges that go upwards"),
        ("0 0 ? * *", "its day-of-month is '?'; what other programs write as ? is a *"),
        ("1, * * * *", "its minute is '1,'; a list has no blanks in it"),
        ("0 0 31 2 *", "its day-of-month is '31'; none of its months has that day"),
    ],
)
def test_the_lesson_names_the_field_its_value_and_what_it_takes(
    expression: str, lesson: str
) -> None:
    with pytest.raises(FluidValueError) as refused:
        cron(expression)
    assert str(refused.value) == f"cron({expression!r}) cannot be read: {lesson}"


@pytest.mark.parametrize("after", [datetime(2026, 1, 1), "2026-01-01", 0, None])  # noqa: DTZ001
def test_next_takes_a_datetime_with_a_time_zone_only(after: object) -> None:
    with pytest.raises(FluidValueError, match="takes a datetime with a time zone, as"):
        cron("0 0 * * *").next(after)  # type: ignore[arg-type]


def test_next_needs_a_time_zone_and_does_not_know_that_of_the_machine() -> None:
    with pytest.raises(FluidValueError, match="needs the name of a time zone, not 'local'"):
        cron("0 0 * * *", tz="local").next(datetime(2026, 1, 1, tzinfo=UTC))


def test_a_fire_that_is_due_at_the_very_end_comes() -> None:
    end = datetime(2026, 1, 2, tzinfo=UTC)
    nightly = cron("0 0 * * *", until=end)
    assert nightly.next(datetime(2026, 1, 1, 12, tzinfo=UTC)) == end
    assert nightly.next(end) is None


def test_an_expression_that_is_local_goes_by_utc_where_the_machine_has_no_zone() -> None:
    local = cron("0 12 * * *", tz="local").series(Moment(0.0, 0.0, None))
    assert local.after(0.0) == 12 * 3600


def test_an_expression_with_a_place_goes_by_its_time_wherever_the_machine_is() -> None:
    berlin = cron("0 12 * * *", tz="Europe/Berlin").series(Moment(0.0, 0.0, UTC))
    assert berlin.after(0.0) == 11 * 3600


def test_after_the_last_day_that_there_is_nothing_fires() -> None:
    assert cron("0 0 29 2 *").next(datetime(9999, 1, 1, tzinfo=UTC)) is None


def test_the_longest_period_is_the_largest_float() -> None:
    """I02"""
    assert every(float_info.max).period == float_info.max
