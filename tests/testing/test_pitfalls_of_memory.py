"""What a run leaves to the garbage collector belongs to that run, and to no other."""

from __future__ import annotations

import asyncio
import gc
import signal
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fluid.testing import ExplorationError, Simulation, UnhandledError, explore
from tests.testing.watching import watched


def objects_after(schedules: int, scenario: Callable[[Simulation], Any]) -> int:
    explore(scenario, seeds=schedules, faults=["x", "gc"])
    gc.collect()
    return len(gc.get_objects())


def test_memory_is_flat_over_hundreds_of_schedules():
    """Not only afterwards: the loops that are alive are counted while it explores."""
    loops: weakref.WeakSet[Any] = weakref.WeakSet()
    alive: list[int] = []

    class Cycle:
        def __init__(self, sim: Simulation) -> None:
            self.me, self.sim = self, sim

    async def scenario(sim: Simulation) -> None:
        cycle = Cycle(sim)
        sim.offer("x", lambda: cycle.me)
        sim.loop.add_signal_handler(signal.SIGTERM, lambda: cycle)
        sim.loop.set_exception_handler(lambda _, context: cycle)
        loops.add(sim.loop)
        alive.append(len(loops))
        await asyncio.gather(asyncio.sleep(1), asyncio.to_thread(int), return_exceptions=True)

    before = objects_after(100, scenario)
    assert objects_after(500, scenario) <= before + 50
    assert max(alive) <= 2


def test_an_error_keeps_the_frames_of_its_own_run_alive_and_of_no_other():
    payloads: list[weakref.ref[Any]] = []

    class Payload:
        pass

    async def scenario(sim: Simulation) -> None:
        payload = Payload()
        payloads.append(weakref.ref(payload))
        if sim.seed == 50:
            raise ValueError("at last")
        await asyncio.sleep(1)

    with pytest.raises(ExplorationError) as caught:
        explore(scenario)
    alive = [number for number, payload in enumerate(payloads) if payload() is not None]
    assert min(alive) >= 50
    del caught
    gc.collect()
    assert not any(payload() for payload in payloads)


def test_an_exception_that_nobody_retrieved_fails_the_run_that_lost_it():
    async def scenario(sim: Simulation) -> None:
        async def fail() -> None:
            raise ValueError(f"lost in {sim.schedule}")

        task = asyncio.create_task(fail())
        task.add_done_callback(lambda _: None)
        cycle: list[Any] = [task]
        cycle.append(cycle)
        await asyncio.sleep(1)

    for seed in range(5):
        error = watched(scenario, f"legal:{seed}").error
        assert isinstance(error, UnhandledError)
        assert f"lost in legal:{seed}" in str(error)


def by_an_offer(sim: Simulation, task: asyncio.Task[None]) -> None:
    sim.offer("x", lambda: task.cancel())


def by_a_signal_handler(sim: Simulation, task: asyncio.Task[None]) -> None:
    sim.loop.add_signal_handler(signal.SIGTERM, lambda: task.cancel())


def by_a_timer(sim: Simulation, task: asyncio.Task[None]) -> None:
    sim.loop.call_later(1, lambda: task.cancel())


@pytest.mark.parametrize("held", [by_an_offer, by_a_signal_handler, by_a_timer])
def test_no_exception_is_lost_because_its_task_is_held_until_the_run_is_over(held: Any):
    async def scenario(sim: Simulation) -> None:
        async def fail() -> None:
            raise ValueError("lost")

        held(sim, asyncio.create_task(fail()))
        await asyncio.sleep(0)

    for schedule in ("fifo", "legal:1", "fifo+x@99"):
        error = watched(scenario, schedule, leaks="ignore").error
        assert isinstance(error, UnhandledError)
        assert "lost" in str(error)
