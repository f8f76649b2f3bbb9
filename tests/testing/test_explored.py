"""What ``@explored`` makes of a scenario, with fixtures, parameters and methods."""

from __future__ import annotations

import asyncio
import inspect
from itertools import groupby
from typing import Any

import pytest

from fluid.errors import FluidValueError
from fluid.testing import (
    Conditions,
    ExplorationError,
    HorizonError,
    NeverHappenedError,
    Policy,
    Simulation,
    explored,
)

made: list[str] = []


@pytest.fixture
def fixture(request: pytest.FixtureRequest) -> list[int]:
    made.append(request.node.name)
    return []


# As tests of this suite


@explored(seeds=5)
async def test_a_scenario_is_a_test():
    await asyncio.sleep(3600)


@explored(seeds=5)
async def test_a_scenario_is_handed_its_simulation(sim: Simulation):
    assert sim.loop is asyncio.get_running_loop()


@explored(seeds=5)
async def test_a_fixture_is_made_once_for_all_schedules(fixture: list[int], sim: Simulation):
    fixture.append(sim.seed)
    assert set(fixture) == set(range(sim.seed + 1))
    assert made.count("test_a_fixture_is_made_once_for_all_schedules") == 1


@pytest.mark.parametrize("number", [1, 2])
@explored(seeds=3)
async def test_parameters_reach_a_scenario(sim: Simulation, number: int, fixture: list[int]):
    assert number in (1, 2)
    assert fixture == []


class TestInAClass:
    number = 7

    @explored(seeds=3)
    async def test_methods_can_be_explored(self, sim: Simulation, fixture: list[int]):
        assert self.number == 7
        assert sim.seed in range(3)


# What it does


def scenario_that_counts(**options: Any) -> tuple[Any, list[Simulation]]:
    """Returns an explored scenario that offers a fault, and the simulations it was handed."""
    seen: list[Simulation] = []

    @explored(**options)
    async def scenario(sim: Simulation) -> None:
        seen.append(sim)
        sim.offer("x", int)
        await asyncio.sleep(0)

    return scenario, seen


def test_it_is_a_plain_function_without_the_simulation_in_its_signature():
    async def scenario(first: int, sim: Simulation, *, second: str = "") -> None:
        """Says something."""

    test = explored()(scenario)
    assert not inspect.iscoroutinefunction(test)
    assert str(inspect.signature(test)) == "(first: 'int', *, second: 'str' = '') -> 'None'"
    assert (test.__name__, test.__doc__) == ("scenario", "Says something.")


def test_it_explores_then_sweeps_then_exhausts():
    scenario, seen = scenario_that_counts(seeds=3, swept=True, pairs=2, deviations=1)
    scenario()
    kinds = [
        "swept" if schedule.strikes else "explored" if schedule.choices is None else "exhausted"
        for schedule in (sim.schedule for sim in seen)
    ]
    assert [kind for kind, _ in groupby(kinds)] == ["explored", "swept", "exhausted"]


def test_its_policies_and_seeds_are_those_of_an_exploration():
    scenario, seen = scenario_that_counts(seeds=range(10, 14), policies=[Policy.RANDOM])
    scenario()
    assert {str(sim.schedule) for sim in seen} == {"fifo", *(f"random:{n}" for n in range(10, 14))}


def test_its_faults_strike():
    scenario, seen = scenario_that_counts(seeds=50, faults="offered")
    scenario()
    assert any(sim.schedule.strikes for sim in seen)


def test_its_conditions_hold():
    @explored(conditions=Conditions(horizon=1))
    async def scenario() -> None:
        await asyncio.sleep(2)

    with pytest.raises(ExplorationError) as caught:
        scenario()
    assert isinstance(caught.value.__cause__, HorizonError)


def test_it_is_named_as_it_was_in_what_it_reports():
    @explored(seeds=2)
    async def scenario(sim: Simulation) -> None:
        sim.sometimes("never", False)

    with pytest.raises(NeverHappenedError, match=r"<locals>\.scenario passed 2 schedules"):
        scenario()


def test_what_is_no_async_function_is_refused_where_it_is_decorated():
    with pytest.raises(FluidValueError, match="it is no async function"):
        explored()(print)  # type: ignore[arg-type]


def test_what_pytest_raises_in_a_scenario_is_a_failure_of_it():
    @explored()
    async def scenario() -> None:
        pytest.fail("on purpose")

    with pytest.raises(ExplorationError, match="Failed: on purpose"):
        scenario()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_exploration_and_says_where(error: type[BaseException]):
    @explored()
    async def scenario(sim: Simulation) -> None:
        if sim.seed == 3:
            raise error

    with pytest.raises(error) as caught:
        scenario()
    assert caught.value.__notes__ == ["raised in schedule legal:3"]
