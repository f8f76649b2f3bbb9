"""Every schedule that differs from FIFO in so many choices at the most, each of them once."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from fluid.errors import FluidError, FluidValueError
from fluid.testing import ExplorationError, Policy, Schedule, Simulation, exhaust
from fluid.testing.schedules.overrides import overridden


class Orders:
    """Three tasks of one step; keeps the orders in which they ran, by schedule."""

    def __init__(self) -> None:
        self.found: dict[Schedule, str] = {}

    async def scenario(self, sim: Simulation) -> None:
        done: list[str] = []

        async def walk(name: str) -> None:
            done.append(name)

        await asyncio.gather(*(walk(name) for name in "abc"))
        order = "".join(done)
        assert self.found.setdefault(sim.schedule, order) == order


@pytest.fixture
def orders() -> Orders:
    return Orders()


def test_no_deviation_is_the_plain_run(orders: Orders):
    assert exhaust(orders.scenario, deviations=0).schedules == 1
    assert list(orders.found.values()) == ["abc"]


def test_one_deviation_more_reaches_further(orders: Orders):
    exhaust(orders.scenario, deviations=1, policy=Policy.RANDOM)
    assert {"abc", "acb", "bac", "cab"} == set(orders.found.values())


def test_all_deviations_are_all_orders_each_schedule_once(orders: Orders):
    tally = exhaust(orders.scenario, deviations=9, policy=Policy.RANDOM)
    assert set(orders.found.values()) == {"".join(order) for order in permutations("abc")}
    assert tally.schedules == len(orders.found)


def test_source_has_no_choice_within_one_step(orders: Orders):
    exhaust(orders.scenario, deviations=9)
    assert set(orders.found.values()) == {"abc"}


def test_a_failure_that_needs_two_deviations_is_found_with_two_and_not_with_one():
    async def scenario(sim: Simulation) -> None:
        done: list[str] = []

        async def walk(name: str) -> None:
            await asyncio.sleep(0)
            done.append(name)

        await asyncio.gather(*(walk(name) for name in "abc"))
        assert "".join(done) != "cba"

    assert exhaust(scenario, deviations=1, policy=Policy.RANDOM).schedules > 1
    with pytest.raises(ExplorationError) as caught:
        exhaust(scenario, deviations=2, policy=Policy.RANDOM)
    assert caught.value.shrunk.choices is not None
    assert len(caught.value.shrunk.choices) == 2


def test_a_limit_that_comes_first_proves_nothing(orders: Orders):
    with pytest.raises(FluidError) as caught:
        exhaust(orders.scenario, policy=Policy.RANDOM, limit=3)
    assert not isinstance(caught.value, ExplorationError)
    assert str(caught.value) == (
        "Orders.scenario has more than 3 schedules with up to 2 deviations: "
        "make it smaller, allow fewer, or raise the limit"
    )
    assert len(orders.found) == 3


def test_fifo_proves_nothing_either(orders: Orders):
    with pytest.raises(FluidValueError, match="leaves nothing to choose"):
        exhaust(orders.scenario, policy=Policy.FIFO)


def test_late_timers_count_as_deviations():
    late: set[float] = set()

    async def scenario() -> None:
        await asyncio.sleep(1)
        late.add(round(asyncio.get_running_loop().time() - 1, 9))

    assert exhaust(scenario, policy=Policy.LEGAL).schedules == 3
    assert late == {0, 0.001, 0.02}


def test_rounds_after_the_first_do_not_exhaust_again(orders: Orders):
    with overridden(seeds=range(100, 200)):
        assert exhaust(orders.scenario, policy=Policy.RANDOM).schedules == 1
