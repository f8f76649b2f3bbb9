"""Numbers and zones that cannot work are refused where they are written, by subject and value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest

from fluid import FluidValueError, Missed, Overlap, cron, every

END = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "period",
    [0, -1, 0.0009, inf, nan, True, "5", None, 10**400, timedelta(0), timedelta(microseconds=999)],
    ids=lambda period: "huge" if period == 10**400 else repr(period),
)
def test_a_period_that_is_none_is_refused_by_value(period: object) -> None:
    with pytest.raises(FluidValueError) as refused:
        every(period)  # type: ignore[arg-type]
    assert str(refused.value) == (
        f"the period of every() is not a number of seconds from 0.001 on, nor a timedelta: "
        f"{period!r}"
    )


NO_ZONE = (
    "until of {} has no time zone, so nobody knows when that is: "
    "datetime.datetime(2030, 1, 1, 0, 0); write  datetime(..., tzinfo=UTC)"
)

BOTH = [(every, 60, "every(60)"), (cron, "@daily", "cron('@daily')")]


@pytest.mark.parametrize(("make", "when", "subject"), BOTH, ids=["every", "cron"])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("jitter", -1, "jitter of {} is not a number of seconds, zero or more: -1"),
        ("jitter", nan, "jitter of {} is not a number of seconds, zero or more: nan"),
        ("jitter", "5", "jitter of {} is not a number of seconds, zero or more: '5'"),
        ("jitter", None, "jitter of {} is not a number of seconds, zero or more: None"),
        ("jitter", True, "jitter of {} is not a number of seconds, zero or more: True"),
        ("jitter", inf, "jitter of {} is not finite: inf"),
        ("until", "2030", "until of {} is not a datetime: '2030'"),
        ("until", 1.9e9, "until of {} is not a datetime: 1900000000.0"),
        ("until", END.date(), "until of {} is not a datetime: datetime.date(2030, 1, 1)"),
        ("until", END.replace(tzinfo=None), NO_ZONE),
        ("max_fires", 0, "max_fires of {} is not a whole number, 1 or more: 0"),
        ("max_fires", -1, "max_fires of {} is not a whole number, 1 or more: -1"),
        ("max_fires", 1.0, "max_fires of {} is not a whole number, 1 or more: 1.0"),
        ("max_fires", True, "max_fires of {} is not a whole number, 1 or more: True"),
        ("max_fires", "3", "max_fires of {} is not a whole number, 1 or more: '3'"),
    ],
)
def test_an_option_that_cannot_work_is_refused_by_subject_and_value(
    make: type, when: object, subject: str, option: str, value: object, message: str
) -> None:
    with pytest.raises(FluidValueError) as refused:
        make(when, **{option: value})
    assert str(refused.value) == message.format(subject)


@pytest.mark.parametrize("first", ["later", "", None, 0, "NOW"])
def test_a_beginning_that_there_is_not_is_refused(first: object) -> None:
    with pytest.raises(FluidValueError) as refused:
        every(60, first=first)  # type: ignore[arg-type]
    assert str(refused.value) == f"first of every(60) is not 'now', 'after' or 'aligned': {first!r}"


def test_a_jitter_longer_than_its_period_is_refused() -> None:
    assert every(60, jitter=60).jitter == 60
    with pytest.raises(FluidValueError) as refused:
        every(60, jitter=61)
    assert str(refused.value) == (
        "jitter of every(60) is 61.0 seconds, which is longer than its period"
    )


@pytest.mark.parametrize(
    ("tz", "hint"),
    [
        ("Europe/Atlantis", "is not a time zone: 'Europe/Atlantis'; it takes a name of the IANA"),
        ("", "is not a time zone: ''"),
        ("../etc/passwd", "is not a time zone: '../etc/passwd'"),
        ("Europe", "is not a time zone: 'Europe'"),
        ("\0", r"is not a time zone: '\x00'"),
        (None, "is neither a name nor a ZoneInfo: None; give it the name, as in 'Europe/Berlin'"),
        (2, "is neither a name nor a ZoneInfo: 2"),
        (timezone(timedelta(hours=2)), "a fixed offset has no daylight saving"),
    ],
    ids=repr,
)
def test_a_time_zone_that_there_is_not_is_refused_with_what_it_takes(tz: object, hint: str) -> None:
    with pytest.raises(FluidValueError) as refused:
        cron("@daily", tz=tz)  # type: ignore[arg-type]
    assert str(refused.value).startswith("tz of a cron expression ")
    assert hint in str(refused.value)


@pytest.mark.parametrize("number", [0, -1, 1.0, inf, True, "2", None])
def test_a_policy_takes_a_whole_number(number: object) -> None:
    for make, name in ((Overlap.concurrent, "concurrent"), (Missed.all, "all")):
        with pytest.raises(FluidValueError) as refused:
            make(number)  # type: ignore[arg-type]
        assert str(refused.value) == f"{name}({number!r}) takes a whole number, 1 or more"
