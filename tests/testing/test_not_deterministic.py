"""A scenario that depends on what no schedule decides is found out, and only such a one is."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Iterable
from typing import Any

import pytest

from fluid.testing import ExplorationError, NotDeterministicError, Simulation, explore
from fluid.testing.schedules.explorer import scattered_memory


class Plain:
    """An object whose hash is its address, as most objects' are."""

    def __init__(self, number: int) -> None:
        self.number = number


async def sleep_in_turn(numbers: Iterable[int]) -> None:
    tasks = [asyncio.create_task(asyncio.sleep(0.01 * number)) for number in numbers]
    await asyncio.gather(*tasks)


async def order_of_a_set_of_objects() -> None:
    await sleep_in_turn(plain.number for plain in {Plain(number) for number in range(5)})


async def order_of_a_set_of_tasks() -> None:
    tasks = {asyncio.create_task(asyncio.sleep(number)) for number in range(5)}
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def order_of_all_tasks() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(number)) for number in range(5)]
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait(tasks)


async def addresses() -> None:
    kept = [Plain(number) for number in range(5)]
    kept.sort(key=lambda plain: id(plain) // 16 % 61)
    await sleep_in_turn(plain.number for plain in kept)


async def chance() -> None:
    await sleep_in_turn([random.randrange(1000)])


async def global_counter(counted: list[None] = []) -> None:  # noqa: B006
    counted.append(None)
    await sleep_in_turn(range(len(counted)))


@pytest.mark.parametrize(
    "scenario",
    [
        order_of_a_set_of_objects,
        order_of_a_set_of_tasks,
        order_of_all_tasks,
        addresses,
        chance,
        global_counter,
    ],
)
def test_what_no_schedule_decides_is_found_out(scenario: Any):
    with pytest.raises(NotDeterministicError, match=f"{scenario.__name__} went two ways in"):
        explore(scenario, seeds=500)


def test_scattered_memory_gives_new_objects_addresses_in_another_order_for_each_salt():
    def order(salt: int) -> tuple[int, ...]:
        with scattered_memory(salt):
            plains = [Plain(number) for number in range(40)]
            return tuple(sorted(range(40), key=lambda number: id(plains[number])))

    gc.collect()  # else it may happen meanwhile, and free places that are in order
    assert len({order(salt) for salt in range(5)}) > 1


def test_the_report_shows_where_the_two_ways_part():
    counted: list[None] = []

    async def scenario() -> None:
        counted.append(None)
        await asyncio.sleep(len(counted))

    with pytest.raises(NotDeterministicError) as caught:
        explore(scenario)
    first, *lines, advice = str(caught.value).splitlines()
    assert first.endswith("scenario went two ways in schedule fifo: first it took")
    assert lines == [
        "  step 1 at 2 s: _set_result_unless_cancelled, for main",
        "and then",
        "  step 1 at 3 s: _set_result_unless_cancelled, for main",
    ]
    assert advice == (
        "It depends on something that no schedule decides: the order of a set, id(), time(), "
        "random, or state that one run leaves to the next."
    )


def test_the_report_counts_steps_where_one_way_only_goes_on():
    counted: list[None] = []

    async def scenario() -> None:
        counted.append(None)
        for _ in counted:
            await asyncio.sleep(0)

    with pytest.raises(NotDeterministicError, match="first it took 3 steps, and then 4"):
        explore(scenario)


def test_a_failure_that_does_not_come_again_is_not_blamed_on_the_schedule():
    counted: list[None] = []

    async def scenario() -> None:
        counted.append(None)
        assert len(counted) != 7, "the seventh"

    with pytest.raises(NotDeterministicError) as caught:
        explore(scenario)
    assert "with AssertionError(" in str(caught.value)
    assert "run again with None: it depends on something that no" in str(caught.value)
    assert isinstance(caught.value.__cause__, AssertionError)


# Who is not


def test_an_address_in_a_message_is_no_difference():
    kept: list[object] = []

    async def scenario() -> None:
        kept.append(object())
        raise ValueError(f"{kept[-1]!r} is wrong")

    with pytest.raises(ExplorationError):
        explore(scenario)


def test_a_number_in_a_message_is_no_difference():
    counted: list[None] = []

    async def scenario() -> None:
        counted.append(None)
        raise ValueError(f"attempt {len(counted)}")

    with pytest.raises(ExplorationError):
        explore(scenario)


def test_what_waits_for_a_set_of_tasks_goes_one_way():
    async def scenario(sim: Simulation) -> None:
        await asyncio.wait([asyncio.ensure_future(asyncio.sleep(1)) for _ in range(9)])

    assert explore(scenario).schedules == 200


def test_what_depends_on_the_streams_of_the_simulation_goes_one_way():
    async def scenario(sim: Simulation) -> None:
        await sleep_in_turn([sim.random().randrange(1000) for _ in range(5)])

    assert explore(scenario).schedules == 200
