"""What has misled simulators of asyncio before, each as the rule that keeps this one from it.

Two more have files of their own: test_differential.py and test_not_deterministic.py.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from heapq import heappop, heappush
from typing import Any

import pytest

from fluid.testing import (
    Conditions,
    DeadlockError,
    ExplorationError,
    NeverHappenedError,
    NotDeterministicError,
    Policy,
    Simulation,
    explore,
    sweep,
)
from tests.testing.watching import watched

ALL = pytest.mark.parametrize("policy", list(Policy))

colour = contextvars.ContextVar("colour", default="none")


async def for_ever() -> None:
    await asyncio.Event().wait()


# Names and orders that belong to the process


def test_default_names_of_tasks_count_from_one_in_every_run():
    names: list[tuple[str, ...]] = []

    async def scenario() -> None:
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]
        names.append(tuple(task.get_name() for task in tasks))
        await asyncio.gather(*tasks)

    before = watched(scenario).digest
    asyncio.run(scenario())
    assert watched(scenario).digest == before
    assert names[0] == names[2] == ("task-2", "task-3", "task-4")


def test_tasks_are_reported_in_the_order_of_their_names_not_of_their_addresses():
    async def scenario() -> None:
        await asyncio.gather(*(for_ever() for _ in range(30)))

    for seed in range(10):
        error = watched(scenario, f"random:{seed}").error
        assert isinstance(error, DeadlockError)
        assert [task.name for task in error.tasks] == ["main", *(f"task-{n}" for n in range(2, 32))]


def test_tasks_that_are_left_are_cancelled_in_the_order_of_their_names():
    cancelled: list[str] = []
    kept: list[asyncio.Task[None]] = []

    async def left(name: str) -> None:
        try:
            await for_ever()
        finally:
            cancelled.append(name)

    async def scenario() -> None:
        kept[:] = [asyncio.create_task(left(str(n)), name=str(n)) for n in range(20)]
        await asyncio.sleep(0)

    watched(scenario, leaks="ignore")
    assert cancelled == [str(number) for number in range(20)]


@pytest.mark.parametrize("name", [None, "named"])
def test_a_task_factory_of_the_scenarios_own_changes_no_names(name: str | None):
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **options: asyncio.Task(coro, loop=loop))
        task = loop.create_task(asyncio.sleep(0), name=name)
        assert task.get_name() == (name or "task-2")
        await task

    assert explore(scenario, seeds=10).schedules == 10


# Time


def test_more_than_two_timers_of_one_instant_keep_their_order_although_a_heap_does_not():
    class Timer:
        def __lt__(self, other: object) -> bool:
            return False

    timers = [Timer() for _ in range(5)]
    heap: list[Any] = []
    for timer in timers:
        heappush(heap, timer)
    assert [heappop(heap) for _ in timers] != timers

    async def scenario() -> None:
        done: list[int] = []
        for number in range(5):
            asyncio.get_running_loop().call_later(1, done.append, number)
        await asyncio.sleep(2)
        assert done == [0, 1, 2, 3, 4]

    assert watched(scenario, "fifo").error is None
    assert any(watched(scenario, f"legal:{seed}").error is not None for seed in range(5))


def test_timers_a_nanosecond_apart_are_not_merged_by_a_coarse_clock():
    async def scenario(sim: Simulation) -> None:
        loop: Any = sim.loop
        loop._clock_resolution = 0.0156  # as on Windows
        seen: list[int] = []
        for later_ns in (2, 1, 0):
            loop.call_later(1 + later_ns * 1e-9, lambda: seen.append(loop.time_ns()))
        await asyncio.sleep(2)
        assert seen == [1_000_000_000, 1_000_000_001, 1_000_000_002]

    assert watched(scenario).error is None


@pytest.mark.real
def test_debug_mode_does_not_take_real_time_for_slowness(caplog: pytest.LogCaptureFixture):
    async def scenario() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.001
        time.sleep(0.01)  # noqa: ASYNC251
        await asyncio.sleep(0)

    with caplog.at_level(logging.DEBUG, logger="asyncio"):
        explore(scenario, seeds=3, conditions=Conditions(debug=True, logs=True))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# The process around


@pytest.mark.real
def test_explorations_work_in_any_thread_and_leave_the_signals_alone():
    before = signal.getsignal(signal.SIGINT)
    handlers: list[Any] = []

    async def scenario(sim: Simulation) -> None:
        handlers.append(signal.getsignal(signal.SIGINT))
        await asyncio.sleep(1)

    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(explore(scenario, seeds=20).schedules))
    thread.start()
    thread.join()
    explore(scenario, seeds=20)
    assert found == [20]
    assert set(handlers) == {before}
    assert signal.getsignal(signal.SIGINT) is before


def test_hooks_of_async_generators_are_as_before():
    async def numbers() -> AsyncIterator[int]:
        yield 1

    async def scenario() -> None:
        assert sys.get_asyncgen_hooks().firstiter is not None
        async for _ in numbers():
            pass

    before = sys.get_asyncgen_hooks()
    explore(scenario, seeds=3)
    assert sys.get_asyncgen_hooks() == before


@ALL
def test_a_generator_that_was_dropped_is_closed_at_one_and_the_same_step(policy: Policy):
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)

    async def scenario() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(1)

    runs = [watched(scenario, f"{policy}:3") for _ in range(5)]
    assert all(run.error is None for run in runs)
    assert len({run.digest for run in runs}) == 1


def test_what_is_random_by_nature_is_found_out():
    async def scenario() -> None:
        await asyncio.sleep(uuid.uuid4().int % 1000)

    with pytest.raises(NotDeterministicError):
        explore(scenario)


# Tasks of every kind


class DerivedTask(asyncio.Task):  # type: ignore[type-arg]
    """A task with a class in Python, as libraries have them."""


@pytest.mark.parametrize("kind", [asyncio.Task, DerivedTask])
def test_a_step_is_named_after_its_task_whatever_the_task_is_made_of(kind: Any):
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **options: kind(coro, loop=loop))
        await asyncio.create_task(asyncio.sleep(1), name="sleeper")

    steps = [step.label for step in watched(scenario).last]
    assert steps.count("a step of sleeper") == 2


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs Python 3.12")
def test_eager_tasks_are_explored_beside_lazy_ones_and_found_out():
    async def scenario() -> None:
        said: list[str] = []

        async def child() -> None:
            said.append("child")

        task = asyncio.create_task(child())
        said.append("parent")
        await task
        assert said == ["parent", "child"]

    assert explore(scenario, seeds=20).schedules == 20
    with pytest.raises(ExplorationError) as caught:
        explore(scenario, seeds=20, eager="both")
    assert str(caught.value.shrunk) == "fifo:1/eager"


@ALL
def test_callbacks_keep_their_context_however_late_they_are(policy: Policy):
    async def scenario() -> None:
        loop, seen = asyncio.get_running_loop(), list[str]()

        def look(_: object = None) -> None:
            seen.append(colour.get())

        loop.add_signal_handler(signal.SIGTERM, look)
        colour.set("red")
        loop.call_soon(look)
        loop.call_later(1, look)
        loop.raise_signal(signal.SIGTERM)  # type: ignore[attr-defined]
        job = loop.run_in_executor(None, colour.get)
        job.add_done_callback(look)
        colour.set("blue")
        assert await job == "none"
        assert await asyncio.to_thread(colour.get) == "blue"
        await asyncio.sleep(2)
        assert sorted(seen) == ["none", "red", "red", "red"]

    for seed in range(20):
        assert watched(scenario, f"{policy}:{seed}").error is None


# Explorations that prove nothing


def test_an_exploration_that_never_reached_its_mark_fails():
    async def scenario(sim: Simulation) -> None:
        sim.offer("x", int)
        sim.sometimes("a fault struck", False)

    for verb in (explore, sweep):
        with pytest.raises(NeverHappenedError, match="a fault struck"):
            verb(scenario)
