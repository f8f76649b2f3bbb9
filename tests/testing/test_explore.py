"""Many schedules of one scenario: which ones, under what conditions, and what is counted."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections import Counter
from functools import partial
from typing import Any

import pytest

from fluid.errors import FluidError, FluidValueError
from fluid.testing import (
    ExplorationError,
    NeverHappenedError,
    Policy,
    Schedule,
    Simulation,
    explore,
    replay,
    run,
    sweep,
)
from fluid.testing.schedules.overrides import overridden
from fluid.testing.schedules.tally import TOTAL

log = logging.getLogger("tests.explore")


async def nothing() -> None:
    """Takes one step."""


class Seen:
    """A scenario that keeps the schedules that it ran under, without those that were checked."""

    def __init__(self) -> None:
        self.schedules: list[Schedule] = []

    async def scenario(self, sim: Simulation) -> None:
        if sim.schedule not in self.schedules[-1:]:
            self.schedules.append(sim.schedule)
        sim.offer("x", int)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    @property
    def seeds(self) -> list[int]:
        return [schedule.seed for schedule in self.schedules]


@pytest.fixture
def seen() -> Seen:
    return Seen()


# What is explored


def test_a_scenario_takes_a_simulation_or_nothing():
    handed: list[Any] = []

    async def with_one(sim: Simulation) -> None:
        handed.append(sim)

    async def with_more(number: int, sim: Simulation) -> None:
        handed.append((number, sim))

    async def with_a_default(sim: Any = None) -> None:
        handed.append(sim)

    for scenario in (nothing, with_one, partial(with_more, 7), with_a_default):
        assert explore(scenario, seeds=1).schedules == 1
    assert isinstance(handed[0], Simulation)
    assert any(isinstance(one, tuple) and one[0] == 7 for one in handed)
    assert handed[-1] is None


@pytest.mark.parametrize("scenario", [42, print, lambda: nothing()])
def test_what_is_no_async_function_is_refused(scenario: Any):
    with pytest.raises(FluidValueError, match="it is no async function. A scenario is an `async d"):
        explore(scenario)


def test_exploring_inside_a_running_loop_is_refused_and_is_no_failure_of_the_scenario():
    async def main() -> None:
        for verb in (explore, partial(replay, schedule="fifo"), partial(sweep, faults=["gc"])):
            with pytest.raises(FluidError, match="from a plain function") as caught:
                verb(nothing)
            assert not isinstance(caught.value, ExplorationError)

    run(main)


# Seeds and policies


@pytest.mark.parametrize(
    ("seeds", "explored"),
    [(0, [0]), (1, [0]), (4, [0, 1, 2, 3]), ([17], [0, 17]), (range(3, 5), [0, 3, 4])],
)
def test_the_plain_run_comes_first_then_each_seed(seen: Seen, seeds: Any, explored: list[int]):
    tally = explore(seen.scenario, seeds=seeds)
    assert seen.seeds == explored
    assert tally.schedules == len(explored)
    assert seen.schedules[0] == Schedule()


def test_without_seeds_there_are_200():
    assert explore(nothing).schedules == 200


def test_seeds_take_the_policies_that_are_named(seen: Seen):
    explore(seen.scenario, seeds=range(1, 40), policies=[Policy.SOURCE, Policy.RANDOM])
    taken = Counter(schedule.policy for schedule in seen.schedules[1:])
    assert set(taken) == {Policy.SOURCE, Policy.RANDOM}


def test_one_policy_in_place_of_several_teaches():
    with pytest.raises(FluidValueError, match=r"policies=legal is one policy: write policies=\[Po"):
        explore(nothing, policies=Policy.LEGAL)  # type: ignore[arg-type]


@pytest.mark.parametrize("policies", [[], ["legal"]])
def test_no_policies_at_all_are_refused(policies: Any):
    with pytest.raises(FluidValueError, match="name one or more, as in"):
        explore(nothing, policies=policies)


# Faults


def test_without_faults_none_strike(seen: Seen):
    assert not explore(seen.scenario, seeds=20).faults
    assert all(schedule.strikes == () for schedule in seen.schedules)


@pytest.mark.parametrize("faults", ["offered", ["x"], ["gc"], ["x", "cancel"]])
def test_up_to_two_faults_strike_at_any_step_but_never_in_the_plain_run(seen: Seen, faults: Any):
    tally = explore(seen.scenario, seeds=100, faults=faults)
    assert set(tally.faults) == ({"x"} if faults == "offered" else set(faults))
    numbers = Counter(len(schedule.strikes) for schedule in seen.schedules)
    assert sorted(numbers) == [0, 1, 2]
    assert seen.schedules[0].strikes == ()
    steps = {strike.step for schedule in seen.schedules for strike in schedule.strikes}
    assert steps == set(range(2 * 3))  # the second of two may come after the plain run's last


def test_one_fault_in_place_of_several_teaches(seen: Seen):
    with pytest.raises(FluidValueError, match=r"faults='stop' is one name: write faults=\['stop'"):
        explore(seen.scenario, faults="stop")  # type: ignore[arg-type]


def test_a_fault_that_is_not_offered_is_refused_with_those_that_are(seen: Seen):
    with pytest.raises(
        FluidValueError, match="'stop' is not one that Seen.scenario offers: x, can"
    ):
        explore(seen.scenario, faults=["stop"])


# Eager tasks


def test_eager_tasks_take_every_second_schedule_where_python_has_them(seen: Seen):
    explore(seen.scenario, seeds=4, eager="both")
    second = sys.version_info >= (3, 12)
    assert [schedule.eager for schedule in seen.schedules] == [False, second] * 2


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs Python 3.12")
def test_eager_tasks_begin_inside_create_task():
    async def scenario(sim: Simulation) -> None:
        begun: list[bool] = []

        async def child() -> None:
            begun.append(True)

        task = asyncio.create_task(child())
        assert bool(begun) == sim.schedule.eager
        await task

    assert explore(scenario, seeds=10, eager=True).schedules == 10


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 has eager tasks")
def test_eager_tasks_are_refused_where_python_has_none_and_no_loop_is_left_open():
    with pytest.raises(FluidValueError, match=r"needs Python 3\.12"):
        explore(nothing, eager=True)
    gc.collect()


# What is counted


def test_a_tally_counts_schedules_virtual_seconds_faults_and_marks():
    async def scenario(sim: Simulation) -> None:
        sim.offer("x", int)
        sim.sometimes("odd", sim.seed % 2 == 1)
        sim.sometimes("all")
        await asyncio.sleep(1800)

    schedules, seconds = TOTAL.schedules, TOTAL.seconds
    tally = explore(scenario, seeds=10, faults=["x"], policies=[Policy.FIFO])
    assert (tally.schedules, tally.seconds) == (10, 18_000)
    assert (tally.marks["odd"], tally.marks["all"]) == (5, 10)
    assert tally.faults["x"] > 0
    assert str(tally).startswith("10 schedules, 5.0 simulated hours,")
    assert (TOTAL.schedules, TOTAL.seconds) == (schedules + 10, seconds + 18_000)


def test_a_mark_that_never_happened_fails_the_exploration():
    async def scenario(sim: Simulation) -> None:
        sim.sometimes("the queue was full", False)
        sim.sometimes("it was empty", sim.seed == 3)
        sim.sometimes("it was neither", False)

    with pytest.raises(NeverHappenedError) as caught:
        explore(scenario, seeds=20)
    assert str(caught.value) == (
        "test_a_mark_that_never_happened_fails_the_exploration.<locals>.scenario passed 20 "
        "schedules, in none of which this happened: it was neither, the queue was full. "
        "Explore more, or make the scenario reach it."
    )
    with pytest.raises(NeverHappenedError, match="it was empty, it was neither"):
        explore(scenario, seeds=2)


# The command line


def test_seeds_of_the_command_line_come_before_those_of_the_call(seen: Seen):
    with overridden(seeds=range(5, 8)):
        explore(seen.scenario, seeds=100)
    assert seen.seeds == [0, 5, 6, 7]


def test_a_schedule_of_the_command_line_is_all_that_runs(seen: Seen):
    with overridden(schedule=Schedule.parse("legal:17")):
        tally = explore(seen.scenario)
    assert seen.schedules == [Schedule(Policy.LEGAL, 17)]
    assert tally.schedules == 1
