"""What somebody who is new here gets wrong, and what they are told; where they look for names."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

import fluid
from fluid import Backoff, Fire, FluidValueError, Missed, PeriodicWorker, cron, every


async def poll() -> None: ...


class Poller(PeriodicWorker):
    schedule = every(5)

    async def on_fire(self) -> None: ...


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Poller(every(3)), "poller"),  # type: ignore[arg-type]
        (lambda: PeriodicWorker(every(3), poll), "periodic_worker"),  # type: ignore[arg-type]
    ],
)
def test_a_schedule_in_the_place_of_the_function_is_told_its_own(make: Any, name: str) -> None:
    with pytest.raises(FluidValueError) as info:
        make()
    assert str(info.value) == (
        f"on_fire of worker {name!r} is a schedule: every(3.0); the function comes first, and a "
        f"subclass that has its own takes  schedule=every(3.0)"
    )


def test_a_backoff_without_parentheses_is_told_apart_from_one() -> None:
    with pytest.raises(FluidValueError, match=r"nor a Backoff\(\.\.\.\): <class"):
        PeriodicWorker(poll, every(5), errors=Backoff)  # type: ignore[arg-type]


@pytest.mark.parametrize("tolerance", [-1, float("nan"), "soon", True, None])
def test_a_tolerance_is_a_number_of_seconds(tolerance) -> None:
    with pytest.raises(FluidValueError, match=r"tolerance of Missed.skip\(\) is not a number"):
        Missed.skip(tolerance)


def test_a_tolerance_of_nothing_would_leave_nothing_to_call() -> None:
    with pytest.raises(FluidValueError, match=r"each would be missed; give it a tenth of a second"):
        Missed.skip(0)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("60 * * * *", "its minute is '60'; it takes 0 to 59"),
        ("60 * * * * *", "its second is '60'; it takes 0 to 59"),
        ("0 24 * * *", "its hour is '24'; it takes 0 to 23"),
        ("0 0 0 * *", "its day-of-month is '0'; it takes 1 to 31, L or LW"),
        ("0 0 1 JANUARY *", "its month is 'JANUARY'; it takes 1 to 12 or JAN to DEC"),
        ("0 0 * * MONDAY", "its day-of-week is 'MONDAY'; it takes 0 to 7 or SUN to SAT"),
        ("0 22-2 * * *", "its hour is '22-2'; it takes 0 to 23, and ranges that go upwards"),
        ("0, 30 * * * *", "its second is '0,'; a list has no blanks in it"),
    ],
)
def test_a_field_that_cannot_be_read_is_told_what_it_takes(expression: str, hint: str) -> None:
    with pytest.raises(FluidValueError) as info:
        cron(expression)
    assert str(info.value) == f"cron({expression!r}) cannot be read: {hint}"


@pytest.mark.parametrize(
    "after", [datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), 0, None], ids=repr
)
def test_a_look_ahead_from_no_instant_is_refused(after: Any) -> None:
    with pytest.raises(FluidValueError) as info:
        cron("@daily").next(after)
    assert str(info.value) == (
        f"next() of cron('0 0 * * *') takes a datetime with a time zone, as  datetime.now(UTC): "
        f"{after!r}"
    )


def test_completion_finds_the_names_that_nobody_has_asked_for_yet() -> None:
    code = "import fluid; print(set(fluid.__all__) - set(dir(fluid)), hasattr(fluid, '__file__'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set() True\n"
    assert dir(fluid) == sorted(dir(fluid))


def test_help_on_a_fire_says_what_it_has() -> None:
    assert all(f"``{name}``" in str(Fire.__doc__) for name in ("number", "due", "missed"))
