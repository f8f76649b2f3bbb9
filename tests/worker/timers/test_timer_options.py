"""What a periodic worker can be given, as an argument or in a subclass, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from math import nan
from typing import Any

import pytest

from fluid import Backoff, FluidValueError, Missed, Overlap, PeriodicWorker, cron, every

GOOD: dict[str, list[Any]] = {
    "schedule": [every(5), cron("@daily")],
    "overlap": [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(3)],
    "missed": [Missed.SKIP, Missed.ONCE, Missed.all(3)],
    "errors": ["fail", "continue", Backoff()],
    "seed": [0, 7],
}
BAD: dict[str, list[Any]] = {
    "overlap": ["skip", 1, Missed.SKIP, Overlap, True],
    "missed": ["once", 0, Overlap.SKIP, Missed, False],
    "errors": ["raise", "Fail", Backoff, 1.5, OSError, True],
    "seed": [1.5, "seed", b"seed", [1]],
}
WAY_OUT = {
    "overlap": "Overlap.SKIP, Overlap.QUEUE_ONE nor Overlap.concurrent(n)",
    "missed": "Missed.SKIP, Missed.ONCE nor Missed.all(n)",
    "errors": "'fail', 'continue' nor a Backoff",
    "seed": "whole number",
}


async def nothing() -> None:
    """Is called when it is time."""


class Timer(PeriodicWorker):
    schedule = every(1)

    async def on_fire(self) -> None:
        """Is called when it is time."""


def pairs(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(option, value, id=f"{option}={value!r}")
        for option, values in table.items()
        for value in values
    ]


# --- what works ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "value"), pairs(GOOD))
def test_each_option_may_be_an_argument_or_a_class_attribute(option: str, value: Any) -> None:
    given = Timer(**{option: value})
    written = type("Written", (Timer,), {option: value})()
    assert getattr(given, option) == getattr(written, option) == value
    assert option not in vars(written)


@pytest.mark.parametrize(
    ("option", "value", "written"),
    [
        ("schedule", every(5), every(60)),
        ("overlap", Overlap.SKIP, Overlap.concurrent(2)),
        ("missed", Missed.ONCE, Missed.SKIP),
        ("errors", "fail", "continue"),
        ("seed", 0, 7),
    ],
)
def test_an_argument_goes_before_a_class_attribute(option: str, value: Any, written: Any) -> None:
    made = type("Written", (Timer,), {option: written})
    assert getattr(made(**{option: value}), option) == value
    assert getattr(made(), option) == written


def test_the_defaults_are_those_of_the_docstring() -> None:
    timer = PeriodicWorker(nothing, every(1))
    assert (timer.overlap, timer.missed, timer.errors) == (Overlap.SKIP, Missed.ONCE, "fail")
    assert timer.seed is None


def test_what_is_given_to_one_worker_is_not_given_to_the_next() -> None:
    PeriodicWorker(nothing, every(1), overlap=Overlap.QUEUE_ONE, seed=1)
    assert PeriodicWorker(nothing, every(1)).overlap == Overlap.SKIP
    assert not hasattr(PeriodicWorker, "schedule")


# --- what does not -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["argument", "class attribute"])
@pytest.mark.parametrize(("option", "value"), pairs(BAD))
def test_a_value_that_cannot_work_is_refused_with_the_worker_the_value_and_the_way_out(
    option: str, value: Any, how: str
) -> None:
    kind, given = (
        (Timer, {option: value})
        if how == "argument"
        else (type("Bad", (Timer,), {option: value}), {})
    )
    with pytest.raises(FluidValueError) as caught:
        kind(name="clock", **given)
    text = str(caught.value)
    assert text.startswith(f"{option} of worker 'clock' is ")
    assert repr(value) in text
    assert WAY_OUT[option] in text


def test_a_worker_without_a_schedule_is_shown_how_to_give_it_one() -> None:
    with pytest.raises(FluidValueError) as caught:
        PeriodicWorker(nothing)
    assert str(caught.value) == (
        "worker 'nothing' has no schedule; give it one, as in  PeriodicWorker(function, every(5))"
    )


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (5, "every(5)"),
        (0.5, "every(0.5)"),
        ("*/5 * * * *", "cron('*/5 * * * *')"),
        (timedelta(seconds=3), "every(5)"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("how", ["argument", "class attribute", "reschedule"])
def test_what_is_no_schedule_is_refused_and_shown_as_one(
    value: Any, instead: str, how: str
) -> None:
    def give() -> None:
        match how:
            case "argument":
                PeriodicWorker(nothing, value)
            case "class attribute":
                type("Bad", (Timer,), {"schedule": value})(name="nothing")
            case "reschedule":
                timer.reschedule(value)

    timer = PeriodicWorker(nothing, every(1))
    with pytest.raises(FluidValueError) as caught:
        give()
    assert str(caught.value) == (
        f"schedule of worker 'nothing' is neither every(...) nor cron(...): "
        f"{value!r}; for instance  {instead}"
    )
    assert timer.schedule == every(1)


@pytest.mark.parametrize("value", [None, 0, "tick"])
def test_reschedule_with_nothing_is_refused_too(value: Any) -> None:
    with pytest.raises(FluidValueError, match="schedule"):
        Timer().reschedule(value)


@pytest.mark.parametrize("name", [5, b"clock"])
def test_a_name_is_a_string_as_for_every_worker(name: Any) -> None:
    with pytest.raises(FluidValueError, match="name of a worker"):
        Timer(name=name)


@pytest.mark.parametrize("seconds", [-1, nan, "long"])
def test_the_grace_period_is_checked_as_for_every_worker(seconds: Any) -> None:
    with pytest.raises(FluidValueError, match="stopping_grace_period of worker 'timer'"):
        Timer(stopping_grace_period=seconds)
    assert Timer(stopping_grace_period=3).worker_stop_bound == 3 + 2 * 1 + 5
