"""Schedules and policies are values: equal if they say the same, frozen, shown as they are made."""

from __future__ import annotations

import copy
import pickle
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fluid import Missed, Overlap, cron, every
from fluid.rules.schedules.schedule import Schedule, in_words

END = datetime(2030, 1, 1, tzinfo=UTC)

SHOWN = [
    (every(5), "every(5.0)", "every 5 s"),
    (every(0.25), "every(0.25)", "every 250 ms"),
    (every(5, first="after"), "every(5.0, first='after')", "every 5 s, but not at once"),
    (
        every(timedelta(minutes=90), first="aligned"),
        "every(5400.0, first='aligned')",
        "every 1 h 30 min, aligned to the clock",
    ),
    (
        every(60, jitter=5, max_fires=3),
        "every(60.0, jitter=5.0, max_fires=3)",
        "every 1 min, up to 5 s later by chance, 3 times at most",
    ),
    (every(60, max_fires=1), "every(60.0, max_fires=1)", "every 1 min, once"),
    (
        every(60, until=END),
        "every(60.0, until=datetime.datetime(2030, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))",
        "every 1 min, until 2030-01-01 00:00:00+00:00",
    ),
    (cron("@hourly"), "cron('0 * * * *')", "at the start of every hour (0 * * * *, UTC)"),
    (
        cron("30 2 * * mon", tz="Asia/Tokyo", jitter=30),
        "cron('30 2 * * MON', tz='Asia/Tokyo', jitter=30.0)",
        "at 02:30 on Monday (30 2 * * MON, Asia/Tokyo), up to 30 s later by chance",
    ),
    (
        cron("*/5 * * * *", tz="local"),
        "cron('*/5 * * * *', tz='local')",
        "every fifth minute of every hour (*/5 * * * *, local time)",
    ),
]

VALUES = [schedule for schedule, _, _ in SHOWN]
POLICIES = [
    (Overlap.SKIP, "Overlap.SKIP"),
    (Overlap.QUEUE_ONE, "Overlap.QUEUE_ONE"),
    (Overlap.concurrent(3), "Overlap.concurrent(3)"),
    (Missed.SKIP, "Missed.SKIP"),
    (Missed.ONCE, "Missed.ONCE"),
    (Missed.all(3), "Missed.all(3)"),
]


# --- how they are shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(("schedule", "shown", "words"), SHOWN, ids=repr)
def test_a_schedule_is_shown_as_the_call_that_makes_it_and_printed_in_words(
    schedule: Schedule, shown: str, words: str
) -> None:
    assert repr(schedule) == shown
    assert str(schedule) == words


@pytest.mark.parametrize("value", [*VALUES, *(policy for policy, _ in POLICIES)], ids=repr)
def test_what_is_shown_makes_an_equal_one(value: object) -> None:
    names = {"every": every, "cron": cron, "Missed": Missed, "Overlap": Overlap}
    assert eval(repr(value), {**names, "datetime": sys.modules["datetime"]}) == value


@pytest.mark.parametrize(("policy", "shown"), POLICIES, ids=repr)
def test_a_policy_is_shown_as_it_is_written(policy: object, shown: str) -> None:
    assert repr(policy) == shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0015, "1.5 ms"),
        (1, "1 s"),
        (1.5, "1.5 s"),
        (59.9, "59.9 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (86_400, "1 d"),
        (90_061.5, "1 d 1 h 1 min 1.5 s"),
        (604_800, "7 d"),
    ],
)
def test_seconds_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


# --- when they are equal --------------------------------------------------------------------------


def test_each_is_equal_to_itself_alone() -> None:
    everything = [*VALUES, *(policy for policy, _ in POLICIES)]
    assert len(set(everything)) == len(everything)
    for number, value in enumerate(everything):
        assert [other == value for other in everything].index(True) == number


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (every(60), every(timedelta(minutes=1))),
        (every(60), every(60.0, first="now", jitter=0)),
        (cron("0 0 * * *"), cron("@daily")),
        (cron("0 9 * * MON"), cron(" 0  9 * * mon ")),
        (cron("@daily", tz="UTC"), cron("@daily", tz=UTC)),
        (cron("@daily", tz="UTC"), cron("@daily", tz=ZoneInfo("UTC"))),
        (cron("@daily", tz="utc"), cron("@daily", tz="UTC")),
        (cron("@daily", tz="Asia/Tokyo"), cron("@daily", tz=ZoneInfo("Asia/Tokyo"))),
        (every(60, until=END), every(60, until=END.astimezone(ZoneInfo("Asia/Tokyo")))),
        (Overlap.concurrent(2), Overlap.concurrent(2)),
        (Missed.all(2), Missed.all(2)),
    ],
)
def test_those_that_say_the_same_are_equal(one: object, other: object) -> None:
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)


@pytest.mark.parametrize(
    "different",
    [
        every(61),
        every(60, first="after"),
        every(60, jitter=1),
        every(60, until=END),
        every(60, max_fires=1),
        cron("* * * * *"),
        60,
    ],
    ids=repr,
)
def test_those_that_differ_in_anything_are_not(different: object) -> None:
    assert every(60) != different


def test_missing_one_is_not_skipping_one() -> None:
    assert Missed.SKIP != Overlap.SKIP
    assert Missed.all(1) != Missed.ONCE
    assert Overlap.concurrent(1) != Overlap.SKIP


# --- what can be done with them -------------------------------------------------------------------


@pytest.mark.parametrize("value", [*VALUES, *(policy for policy, _ in POLICIES)], ids=repr)
def test_a_copy_is_equal_in_this_process_and_in_another(value: object) -> None:
    for copied in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert copied == value
        assert hash(copied) == hash(value)
        assert str(copied) == str(value)


@pytest.mark.parametrize("value", [every(5), cron("@daily"), Missed.ONCE, Overlap.SKIP], ids=repr)
def test_none_of_them_can_be_changed(value: object) -> None:
    for name in [*value.__dict__, "more"]:
        with pytest.raises(AttributeError):
            setattr(value, name, 1)
    with pytest.raises(AttributeError):
        delattr(value, next(iter(value.__dict__)))


# --- a look ahead ---------------------------------------------------------------------------------


def test_a_cron_expression_says_when_it_fires_next_in_its_own_zone() -> None:
    nightly = cron("30 2 * * *", tz="Europe/Berlin", until=datetime(2026, 3, 30, tzinfo=UTC))
    found = nightly.next(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert found == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert found is not None
    assert found.isoformat() == "2026-03-29T03:00:00+02:00"
    assert nightly.next(found) is None
