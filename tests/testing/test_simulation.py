"""What a scenario is handed: chance, the time of day, offers, marks."""

from __future__ import annotations

import asyncio

import pytest

from fluid.errors import FluidValueError
from fluid.testing import Policy, Schedule, Simulation
from fluid.testing.schedules.simulation import BUILT_IN
from tests.testing.watching import watched

ALL = pytest.mark.parametrize("policy", list(Policy))


async def walkers() -> None:
    """Has some choices to make under every policy but FIFO."""

    async def walk() -> None:
        for _ in range(3):
            await asyncio.sleep(0.01)
            await asyncio.sleep(0)

    await asyncio.gather(walk(), walk(), walk())


# Chance


def test_a_simulation_knows_its_schedule_its_seed_and_its_loop():
    async def scenario(sim: Simulation) -> None:
        assert sim.schedule == Schedule(Policy.LEGAL, 7)
        assert sim.seed == 7
        assert sim.loop is asyncio.get_running_loop()
        assert not sim.is_over()

    assert watched(scenario, "legal:7").error is None


def test_a_stream_is_one_object_for_each_name():
    async def scenario(sim: Simulation) -> None:
        assert sim.random() is sim.random("user")
        assert sim.random("a") is sim.random("a")
        assert sim.random("a").random() != sim.random("b").random()

    assert watched(scenario).error is None


def test_what_is_drawn_follows_from_the_seed_whatever_the_policy():
    drawn: list[float] = []

    async def scenario(sim: Simulation) -> None:
        drawn.append(sim.random().random())

    for schedule in ("fifo:7", "legal:7", "source:7", "random:7[]"):
        watched(scenario, schedule)
    assert len(set(drawn)) == 1
    watched(scenario, "fifo:8")
    assert len(set(drawn)) == 2


@ALL
def test_one_draw_more_does_not_reshuffle_the_schedule(policy: Policy):
    def drawing(times: int):
        async def scenario(sim: Simulation) -> None:
            for _ in range(times):
                sim.random().random()
                sim.random("other").random()
            await walkers()

        return watched(scenario, f"{policy}:7")

    none, some = drawing(0), drawing(17)
    assert none.digest == some.digest
    assert none.choices == some.choices


@ALL
def test_a_fault_that_misses_does_not_reshuffle_the_schedule(policy: Policy):
    plain, missed = watched(walkers, f"{policy}:7"), watched(walkers, f"{policy}:7+nothing@5")
    assert plain.digest == missed.digest


def test_seeds_go_different_ways_and_the_digest_tells():
    digests = {watched(walkers, f"source:{seed}").digest for seed in range(30)}
    assert len(digests) > 20


@ALL
def test_no_deviation_is_the_plain_run_under_every_policy(policy: Policy):
    assert watched(walkers, f"{policy}:7[]").digest == watched(walkers, "fifo").digest


# The time of day


def test_the_time_of_day_is_the_loops():
    async def scenario(sim: Simulation) -> None:
        before = sim.loop.wall.time()
        await asyncio.sleep(60)
        assert sim.loop.wall.time() == before + 60

    assert watched(scenario).error is None


# Offers


def test_offers_are_listed_in_the_order_in_which_they_were_first_made():
    async def scenario(sim: Simulation) -> None:
        for name in ("b", "a", "b"):
            sim.offer(name, print)
        assert sim.offers == ("b", "a")

    assert watched(scenario).offers == ("b", "a")


def test_an_offer_made_again_replaces_the_first():
    async def scenario(sim: Simulation) -> None:
        struck: list[str] = []
        sim.offer("x", lambda: struck.append("first"))
        sim.offer("x", lambda: struck.append("second"))
        assert sim.strike("x")
        assert struck == ["second"]

    assert watched(scenario).error is None


@pytest.mark.parametrize("name", ["", "a+b", "a@3"])
def test_a_name_that_a_schedule_could_not_spell_is_refused(name: str):
    async def scenario(sim: Simulation) -> None:
        sim.offer(name, print)

    error = watched(scenario).error
    assert isinstance(error, FluidValueError)
    assert str(error) == f"fault {name!r} cannot be offered: a name without + and @ can"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_fault_cannot_be_offered(name: str):
    async def scenario(sim: Simulation) -> None:
        sim.offer(name, print)

    error = watched(scenario).error
    assert isinstance(error, FluidValueError)
    assert "it is always there" in str(error)


# Marks


def test_a_mark_says_whether_it_ever_was_so():
    async def scenario(sim: Simulation) -> None:
        sim.sometimes("plain")
        for happened in (False, True, False):
            sim.sometimes("once", happened)
        sim.sometimes("never", False)

    assert watched(scenario).marks == {"plain": True, "once": True, "never": False}
