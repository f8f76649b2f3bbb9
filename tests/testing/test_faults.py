"""A fault strikes before exactly its step, and counts only if it could."""

from __future__ import annotations

import asyncio
import signal
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fluid.errors import FluidValueError
from fluid.testing import LeakError, Policy, SimulatedFaultError, Simulation
from fluid.testing.schedules.simulation import BUILT_IN, HOUR
from tests.testing.watching import watched

ALL = pytest.mark.parametrize("policy", list(Policy))


def scenario_with(action: Callable[[Simulation], object], steps: int = 6) -> Any:
    """Returns a scenario of so many steps that offers the fault ``x``."""

    async def scenario(sim: Simulation) -> None:
        sim.offer("x", lambda: action(sim))
        for _ in range(steps - 1):
            await asyncio.sleep(0)

    return scenario


# When


@pytest.mark.parametrize("step", range(1, 6))
def test_a_fault_strikes_before_exactly_its_step(step: int):
    taken: list[int] = []

    async def scenario(sim: Simulation) -> None:
        sim.offer("x", lambda: taken.append(-1))
        for number in range(6):
            taken.append(number)
            await asyncio.sleep(0)

    run = watched(scenario, f"fifo+x@{step}")
    assert taken == [*range(step), -1, *range(step, 6)]
    assert run.fired == ("x",)
    assert run.steps == 7


@ALL
def test_faults_strike_at_their_steps_under_every_policy(policy: Policy):
    struck: list[int] = []

    async def scenario(sim: Simulation) -> None:
        sim.offer("x", lambda: struck.append(sim.loop._ready.steps))  # type: ignore[attr-defined]
        for _ in range(10):
            await asyncio.sleep(0.001)

    run = watched(scenario, f"{policy}:3+x@2+x@7")
    assert run.error is None
    assert struck == [2, 7]
    assert run.fired == ("x", "x")


def test_several_faults_of_one_step_strike_in_the_order_of_the_schedule():
    struck: list[str] = []

    async def scenario(sim: Simulation) -> None:
        for name in "abc":
            sim.offer(name, lambda name=name: struck.append(name))
        await asyncio.sleep(0)

    assert watched(scenario, "fifo+c@1+a@1+b@1").fired == ("c", "a", "b")
    assert struck == ["c", "a", "b"]


@pytest.mark.parametrize("missed", ["x@0", "x@6", "x@99", "y@1"])
def test_a_fault_that_is_not_on_offer_at_its_step_does_not_count(missed: str):
    run = watched(scenario_with(lambda _: pytest.fail("it struck")), f"fifo+{missed}")
    assert run.error is None
    assert run.fired == ()
    assert run.steps == 6


def test_steps_are_not_counted_once_the_scenario_has_ended():
    async def scenario(sim: Simulation) -> None:
        sim.offer("x", lambda: pytest.fail("it struck"))
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, print)

    run = watched(scenario, "fifo+x@1+x@2")
    assert (run.error, run.fired, run.steps) == (None, (), 1)


def test_a_fault_is_no_part_of_any_task():
    def action(sim: Simulation) -> None:
        assert asyncio.current_task() is None
        assert asyncio.get_running_loop() is sim.loop

    run = watched(scenario_with(action), "fifo+x@3")
    assert (run.error, run.fired) == (None, ("x",))


@pytest.mark.parametrize("policy", [Policy.SOURCE, Policy.RANDOM])
def test_what_a_fault_schedules_comes_from_a_source_of_its_own(policy: Policy):
    orders: set[str] = set()

    async def scenario(sim: Simulation) -> None:
        order: list[str] = []
        loop = asyncio.get_running_loop()

        def schedule_two() -> None:
            loop.call_soon(order.append, "a")
            loop.call_soon(order.append, "b")

        sim.offer("x", lambda: loop.call_soon(order.append, "x"))
        loop.call_soon(schedule_two)
        while len(order) < 3:
            await asyncio.sleep(0)
        orders.add("".join(order))

    for seed in range(60):
        assert watched(scenario, f"{policy}:{seed}+x@2").error is None
    assert orders >= {"abx", "axb", "xab"}


# What goes wrong with faults


def test_an_action_that_is_an_async_function_teaches():
    async def shutdown() -> None:
        raise AssertionError

    error = watched(scenario_with(lambda _: shutdown()), "fifo+x@2").error
    assert isinstance(error, FluidValueError)
    assert str(error) == (
        "fault 'x' cannot strike: its action is an async function. Offer a plain one, such as "
        "`worker.gracefully_stop` in place of `worker.shutdown`."
    )


def test_an_action_that_raises_fails_the_run_and_strikes_only_once():
    struck: list[None] = []

    def action(_: Simulation) -> None:
        struck.append(None)
        raise ZeroDivisionError

    run = watched(scenario_with(action), "fifo+x@2")
    assert isinstance(run.error, ZeroDivisionError)
    assert run.fired == ("x",)
    assert len(struck) == 1


# Built-in ones


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_fault_can_strike_anything(name: str):
    async def scenario() -> None:
        await asyncio.sleep(1)

    run = watched(scenario, f"fifo+{name}@1")
    assert run.error is None
    assert run.fired == (() if name.startswith("SIG") else (name,))


def test_cancel_cancels_the_scenario_which_may_end_so():
    async def scenario() -> None:
        with pytest.raises(asyncio.CancelledError, match="the fault 'cancel'"):
            await asyncio.sleep(1)
        raise asyncio.CancelledError

    assert watched(scenario, "fifo+cancel@1").error is None


def test_a_cancelled_error_that_no_fault_has_caused_is_a_failure():
    async def scenario() -> None:
        raise asyncio.CancelledError

    for schedule in ("fifo", "fifo+cancel@0", "fifo+cancel@1"):
        assert isinstance(watched(scenario, schedule).error, asyncio.CancelledError)


def test_what_a_cancelled_scenario_leaves_behind_counts():
    kept: list[asyncio.Task[None]] = []

    async def scenario() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(60), name="forgotten"))
        await asyncio.sleep(1)
        kept[-1].cancel()
        await asyncio.wait(kept[-1:])

    assert watched(scenario, "fifo").error is None
    error = watched(scenario, "fifo+cancel@2").error
    assert isinstance(error, LeakError)
    assert [task.name for task in error.tasks] == ["forgotten"]


def test_gc_runs_the_collector():
    async def scenario(sim: Simulation) -> None:
        class Cycle:
            def __init__(self) -> None:
                self.me = self

        alive = weakref.ref(Cycle())
        await asyncio.sleep(1)
        assert (alive() is None) == bool(sim.schedule.strikes)

    assert watched(scenario, "fifo").error is None
    assert watched(scenario, "fifo+gc@1").error is None


def test_job_fails_the_next_job_and_no_other():
    async def scenario() -> None:
        await asyncio.sleep(0)
        with pytest.raises(SimulatedFaultError, match="the fault 'job' struck"):
            await asyncio.to_thread(int)
        assert await asyncio.to_thread(int) == 0

    assert watched(scenario, "fifo+job@1").error is None


@pytest.mark.parametrize(("name", "step"), [("wall-forward", HOUR), ("wall-back", -HOUR)])
def test_wall_steps_the_time_of_day_and_not_the_loops_clock(name: str, step: float):
    async def scenario(sim: Simulation) -> None:
        before = sim.loop.wall.time()
        await asyncio.sleep(1)
        assert sim.loop.wall.time() == before + 1 + step
        assert sim.loop.time() == 1

    assert watched(scenario, f"fifo+{name}@1").error is None


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_calls_its_handler_and_misses_where_there_is_none(name: str):
    received: list[str] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(getattr(signal, name), received.append, name)
        await asyncio.sleep(1)
        loop.remove_signal_handler(getattr(signal, name))
        await asyncio.sleep(1)

    run = watched(scenario, f"fifo+{name}@1+{name}@4")
    assert run.error is None
    assert run.fired == (name,)
    assert received == [name]
