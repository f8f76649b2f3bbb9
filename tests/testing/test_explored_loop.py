"""A virtual loop whose world is free: what may vary, and what asyncio promises and never may."""

from __future__ import annotations

import asyncio
import gc
import weakref
from random import Random

import pytest

from fluid.testing import HorizonError, Policy, Simulation
from fluid.testing.schedules.loop import PASSES_BETWEEN_COLLECTIONS
from tests.testing.watching import results, watched

FREE = pytest.mark.parametrize("policy", [Policy.LEGAL, Policy.SOURCE, Policy.RANDOM])
ALL = pytest.mark.parametrize("policy", list(Policy))
LATENESS = {0.0, 0.001, 0.02}


def now() -> float:
    return asyncio.get_running_loop().time()


# Timers


async def three_ties() -> str:
    done: list[str] = []
    for name in "abc":
        asyncio.get_running_loop().call_later(1, done.append, name)
    while len(done) < 3:
        await asyncio.sleep(2)
    return "".join(done)


def test_fifo_runs_timers_due_at_one_instant_in_the_order_in_which_they_were_set():
    assert set(results(Policy.FIFO, three_ties, 3)) == {"abc"}


@FREE
def test_timers_due_at_one_instant_run_in_any_order(policy: Policy):
    assert set(results(policy, three_ties, 100)) == {"abc", "acb", "bac", "bca", "cab", "cba"}


async def lateness() -> float:
    await asyncio.sleep(5)
    return round(now() - 5, 9)


def test_fifo_is_punctual():
    assert set(results(Policy.FIFO, lateness, 3)) == {0.0}


@FREE
def test_a_timer_is_late_by_nothing_a_slip_or_a_busy_machine(policy: Policy):
    assert set(results(policy, lateness, 50)) == LATENESS


@ALL
@pytest.mark.parametrize("seed", range(20))
def test_no_timer_is_early_and_time_moves_only_forward(policy: Policy, seed: int):
    async def scenario(sim: Simulation) -> None:
        random, loop, instants = sim.random(), asyncio.get_running_loop(), [0.0]

        def ring(due: float) -> None:
            assert loop.time() >= round(due, 9)
            instants.append(loop.time())

        async def walk() -> None:
            for _ in range(10):
                delay = random.choice((0, 0.001, 0.01, 0.02, 1))
                loop.call_later(delay, ring, loop.time() + delay)
                await asyncio.sleep(random.choice((0, 0, 0.003, 0.5)))
                instants.append(loop.time())

        await asyncio.gather(walk(), walk(), walk())
        await asyncio.sleep(2)
        assert instants == sorted(instants)

    run = watched(scenario, f"{policy}:{seed}")
    assert run.error is None, run.error
    assert [step.at_ns for step in run.last] == sorted(step.at_ns for step in run.last)


def test_legal_never_runs_a_timer_before_one_of_an_earlier_instant():
    async def scenario(sim: Simulation) -> None:
        random, rung = sim.random(), list[int]()
        for _ in range(30):
            due_ms = random.randrange(40)
            asyncio.get_running_loop().call_at(due_ms / 1000, rung.append, due_ms)
        await asyncio.sleep(1)
        assert len(rung) == 30
        assert rung == sorted(rung)

    for seed in range(60):
        assert watched(scenario, f"legal:{seed}").error is None
    assert watched(scenario, "source:1").error is not None


async def passes_of_two_ties() -> str:
    """Returns "ab", "ba", or "a|b" with passes between, for two timers of one instant."""
    passes, rung = 0, list[tuple[str, int]]()
    await asyncio.sleep(0.99)
    for name in "ab":
        asyncio.get_running_loop().call_at(1, lambda name=name: rung.append((name, passes)))
    while len(rung) < 2:
        await asyncio.sleep(0)
        passes += 1
    (one, first), (other, second) = rung
    return f"{one}{other}" if first == second else f"{one}|{other}"


def test_legal_takes_all_timers_of_one_instant_in_one_pass():
    """As asyncio does: a program may rely on it where it computes an instant once."""
    assert set(results(Policy.LEGAL, passes_of_two_ties, 200)) == {"ab", "ba"}


def test_what_call_later_with_no_delay_schedules_is_never_held_back():
    """It has seen what time it is, so what is due by then is due for sure in the next pass."""

    async def zero_delays() -> None:
        await asyncio.sleep(1)
        for _ in range(4):
            done: list[int] = []
            asyncio.get_running_loop().call_later(0, done.append, 1)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert done

    async def others() -> None:
        await asyncio.sleep(1)
        for _ in range(6):
            await asyncio.sleep(0)

    async def scenario() -> None:
        await asyncio.gather(zero_delays(), others(), zero_delays(), others(), others())

    for seed in range(300):
        assert watched(scenario, f"legal:{seed}").error is None


@FREE
def test_callbacks_can_take_until_the_next_timer_is_due(policy: Policy):
    async def scenario() -> bool:
        timer = asyncio.get_running_loop().call_later(0.015, lambda: None)
        for _ in range(5):
            await asyncio.sleep(0)
        timer.cancel()
        return now() > 0

    assert set(results(policy, scenario, 100)) == {False, True}


@FREE
def test_callbacks_never_take_more_time_than_there_is(policy: Policy):
    async def scenario() -> None:
        timer = asyncio.get_running_loop().call_later(1.01, lambda: None)
        await asyncio.sleep(0.995)
        for _ in range(5):
            await asyncio.sleep(0)
        timer.cancel()

    errors = [watched(scenario, f"{policy}:{seed}", horizon=1).error for seed in range(100)]
    assert not any(isinstance(error, HorizonError) for error in errors)


@ALL
@pytest.mark.parametrize("seed", range(5))
def test_a_cancelled_timer_never_rings_and_is_counted_right(policy: Policy, seed: int):
    async def scenario(sim: Simulation) -> None:
        random, loop = Random(sim.seed), sim.loop
        timers: list[asyncio.TimerHandle] = []
        cancelled: set[int] = set()

        def ring(number: int) -> None:
            assert number not in cancelled
            cancel(random.randrange(len(timers)))

        def cancel(number: int) -> None:
            timers[number].cancel()
            cancelled.add(number)

        for number in range(200):
            timers.append(loop.call_later(random.randrange(20) / 500, ring, number))
            cancel(random.randrange(len(timers)))
            if random.random() < 0.3:
                await asyncio.sleep(random.randrange(3) / 500)
            count = sum(timer.cancelled() for _, _, timer in loop._timers)
            assert loop._timer_cancelled_count == count
        await asyncio.sleep(1)

    assert watched(scenario, f"{policy}:{seed}").error is None


# Callbacks


def test_legal_runs_callbacks_strictly_first_in_first_out():
    async def scenario(sim: Simulation) -> None:
        loop, asked, done = asyncio.get_running_loop(), list[int](), list[int]()

        async def walk() -> None:
            for _ in range(20):
                asked.append(len(asked))
                loop.call_soon(done.append, asked[-1])
                await asyncio.sleep(sim.random().choice((0, 0, 0, 0.001, 0.01)))

        await asyncio.gather(*(walk() for _ in range(5)))
        await asyncio.sleep(1)
        assert done == asked

    for seed in range(30):
        assert watched(scenario, f"legal:{seed}").error is None
    assert watched(scenario, "source:1").error is not None


# The garbage collector


def test_the_collector_runs_after_so_many_passes_and_not_before():
    async def scenario() -> None:
        class Cycle:
            def __init__(self) -> None:
                self.me = self

        alive = weakref.ref(Cycle())
        assert not gc.isenabled()
        for number in range(PASSES_BETWEEN_COLLECTIONS):
            if alive() is None:
                assert number > PASSES_BETWEEN_COLLECTIONS // 2
                return
            await asyncio.sleep(0)
        raise AssertionError("it never ran")

    assert watched(scenario).error is None
    assert gc.isenabled()
