"""``WorkerState``: the words for where a worker is in its life."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest

import fluid
from fluid.utils.worker import WorkerState
from tests.contract.cast import worker_in


def test_states_are_the_documented_ones_and_failed_in_the_order_of_a_life() -> None:
    names = [state.name for state in WorkerState]
    assert names == ["INIT", "RUNNING", "STOPPING", "STOPPED", "FORCE_STOPPED", "FAILED"]


@pytest.mark.parametrize("state", WorkerState)
def test_value_of_a_state_is_its_name_in_lower_case(state: WorkerState) -> None:
    assert state.value == state.name.lower()


@pytest.mark.parametrize("state", WorkerState)
def test_state_is_text_to_whoever_prints_compares_or_stores_it(state: WorkerState) -> None:
    assert issubclass(WorkerState, StrEnum)
    assert f"{state}" == str(state) == state.value
    assert state == state.value
    assert json.loads(json.dumps({"state": state})) == {"state": state.value}
    assert WorkerState(state.value) is state


def test_every_door_leads_to_the_same_states() -> None:
    assert fluid.WorkerState is WorkerState


@pytest.mark.parametrize("state", WorkerState)
async def test_each_state_is_one_that_a_worker_can_be_in(state: WorkerState) -> None:
    async with worker_in(state) as worker:
        assert worker.worker_state is state
