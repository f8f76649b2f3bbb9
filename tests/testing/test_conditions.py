"""What all runs of an exploration have in common, and that it is quiet."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest

from fluid.testing import (
    Conditions,
    ExplorationError,
    HorizonError,
    LivelockError,
    explore,
    replay,
)

log = logging.getLogger("tests.conditions")


async def nothing() -> None:
    """Takes one step."""


async def spin() -> None:
    while True:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("scenario", "conditions", "cause"),
    [
        (partial(asyncio.sleep, 61), Conditions(horizon=60), HorizonError),
        (spin, Conditions(livelock_after=100), LivelockError),
    ],
)
def test_conditions_hold_for_every_run(scenario: Any, conditions: Conditions, cause: type):
    with pytest.raises(ExplorationError) as caught:
        explore(scenario, conditions=conditions)
    assert isinstance(caught.value.__cause__, cause)


def test_leaks_can_be_ignored():
    async def scenario() -> None:
        asyncio.get_running_loop().call_later(60, print)

    with pytest.raises(ExplorationError, match="LeakError"):
        explore(scenario, seeds=2)
    assert explore(scenario, seeds=2, conditions=Conditions(leaks="ignore")).schedules == 2


@pytest.mark.parametrize("debug", [False, True])
def test_debug_is_asyncios_debug_mode(debug: bool):
    async def scenario() -> None:
        assert asyncio.get_running_loop().get_debug() is debug

    explore(scenario, seeds=3, conditions=Conditions(debug=debug))


# Log records


async def talkative() -> None:
    log.error("look at me")


def test_log_records_are_made_only_if_they_are_wanted(caplog: pytest.LogCaptureFixture):
    explore(talkative, seeds=3)
    assert caplog.records == []
    explore(talkative, seeds=3, conditions=Conditions(logs=True))
    assert len(caplog.records) > 3
    caplog.clear()
    replay(talkative, "fifo")
    assert len(caplog.records) == 1


def test_logging_is_as_before_when_an_exploration_has_ended(caplog: pytest.LogCaptureFixture):
    async def fails() -> None:
        raise ValueError

    before = logging.root.manager.disable
    explore(nothing, seeds=1)
    with pytest.raises(ExplorationError):
        explore(fails)
    assert logging.root.manager.disable == before
    log.error("heard")
    assert len(caplog.records) == 1
