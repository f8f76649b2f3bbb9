"""An expression that cannot be read, or never comes true, is refused where it is written."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import FluidValueError, cron

FIELDS = ["second", "minute", "hour", "day-of-month", "month", "day-of-week"]


def refused(expression: object) -> str:
    """Returns what is said about an expression."""
    with pytest.raises(FluidValueError) as info:
        cron(expression)  # type: ignore[arg-type]
    return str(info.value)


# --- unreadable -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("second", "60"),
        ("minute", "60"),
        ("minute", "-1"),
        ("minute", "1-"),
        ("minute", "5-1"),
        ("minute", "*/0"),
        ("minute", "*/"),
        ("minute", "*/-5"),
        ("minute", "1,,2"),
        ("minute", ","),
        ("minute", "1.5"),
        ("minute", "X"),
        ("minute", "**"),
        ("minute", "\u0663"),
        ("hour", "24"),
        ("hour", "L"),
        ("day-of-month", "0"),
        ("day-of-month", "32"),
        ("day-of-month", "5L"),
        ("day-of-month", "1#2"),
        ("month", "0"),
        ("month", "13"),
        ("month", "JANUARY"),
        ("month", "MON"),
        ("day-of-week", "8"),
        ("day-of-week", "MON#6"),
        ("day-of-week", "MON#0"),
        ("day-of-week", "L"),
        ("day-of-week", "8L"),
        ("day-of-week", "FRI-MON"),
        ("day-of-week", "SAT-0"),
        ("day-of-week", "JAN"),
    ],
)
def test_a_field_that_cannot_be_read_is_refused_by_name_and_value(name: str, value: str) -> None:
    """K16"""
    fields = ["0"] + ["*"] * 5
    fields[FIELDS.index(name)] = value
    expression = " ".join(fields)
    beginning = f"cron({expression!r}) cannot be read: its {name} is {value!r}; "
    assert refused(expression).startswith(beginning)


@pytest.mark.parametrize("expression", ["", " ", "*", "* * * *", "* * * * * * *"])
def test_a_wrong_number_of_fields_is_refused_with_their_names(expression: str) -> None:
    """K16"""
    assert refused(expression) == (
        f"cron({expression!r}) has {len(expression.split())} fields; there have to be five, "
        f"minute hour day-of-month month day-of-week, or six with the second first"
    )


def test_a_question_mark_is_refused_with_what_to_write_instead() -> None:
    """K16"""
    assert refused("0 0 ? * 1") == (
        "cron('0 0 ? * 1') cannot be read: its day-of-month is '?'; "
        "what other programs write as ? is a *"
    )


@pytest.mark.parametrize("alias", ["@", "@often", "@every 5m"])
def test_an_unknown_alias_is_refused_with_those_there_are(alias: str) -> None:
    """K16"""
    known = "@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"
    assert refused(alias) == f"cron({alias!r}) is no alias that is known: there are {known}"


def test_whoever_asks_for_the_start_is_told_of_every() -> None:
    """K16"""
    assert refused("@reboot").endswith("what is to run at the start is every(period)")


@pytest.mark.parametrize("expression", [None, 5, b"* * * * *", ["*"] * 5])
def test_what_is_no_text_is_refused(expression: object) -> None:
    """K16"""
    assert refused(expression) == f"a cron expression is a string, and not {expression!r}"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("0159*/-,#LWMON?@ \n", max_size=6), max_size=7).map(" ".join))
def test_whatever_is_written_it_is_a_schedule_or_refused(expression: str) -> None:
    """K16: and no other error, whoever made it."""
    with suppress(FluidValueError):
        schedule = cron(expression)
        assert cron(schedule.expression) == schedule


# --- impossible -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 30,31 2 */7",
        "0 0 31 feb *",
        "0 0 */30 4 sun#2",
        "0 0 */10 2 7L",
        "* * * 31 4 *",
    ],
)
def test_a_day_that_never_comes_is_refused_when_it_is_written(expression: str) -> None:
    """K16: at once; nobody goes from day to day until the end of time."""
    message = refused(expression)
    assert message.startswith(f"cron({expression!r}) ")
    assert "never fires: there is no such day" in message or "its day-of-month is" in message


@pytest.mark.parametrize("expression", ["0 0 29 2 MON", "0 0 */28 2 MON#5", "0 0 31 2 SUN"])
def test_a_day_that_is_only_rare_is_not_refused(expression: str) -> None:
    """K16: the last of them is any Sunday of February, as either day is enough."""
    assert cron(expression).next(datetime(2026, 1, 1, tzinfo=UTC)) is not None
