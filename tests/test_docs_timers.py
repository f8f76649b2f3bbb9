"""The pages on timers say what the code says; that their programs run is up to conftest.py."""

from __future__ import annotations

import asyncio
import re

import pytest

from fluid import Fire, PeriodicWorker, every
from fluid.rules.schedules import catching_up, set_back
from fluid.rules.schedules.cron import ALIASES
from fluid.worker.timers import alarms
from tests.test_docs import page, rows


async def nothing() -> None:
    pass


def first_column(section: str) -> list[str]:
    return [row[0].strip("`") for row in rows(page("timers"), section)]


async def test_the_keys_of_status_are_explained_in_order():
    async with PeriodicWorker(nothing, every(5)) as worker:
        await asyncio.sleep(1)
        facts = (await worker.status())["timer"]
    assert first_column("How it is doing") == list(facts)


def test_the_attributes_of_a_fire_are_explained_in_order():
    assert first_column("The function") == list(Fire._fields)


def test_every_alias_is_on_the_page():
    assert [alias for alias in ALIASES if not re.search(f"{alias}\\b", page("timers"))] == []


@pytest.mark.parametrize(
    ("number", "name", "text"),
    [
        (60.0, alarms.LOOK_AGAIN, "once a minute at least"),
        (60.0, catching_up.LONGEST_TOLERANCE, "half the time to the next fire, or a minute"),
    ],
)
def test_the_minutes_of_the_guide_are_those_of_the_code(number: float, name: float, text: str):
    assert name == number
    assert text in re.sub(r"\s+", " ", page("timers"))


def test_the_three_hours_after_which_a_clock_was_wrong_are_those_of_the_code():
    assert set_back.WRONG_CLOCK == 3 * 3600
    assert "is set back by more than 3 hours" in page("time-zones")
