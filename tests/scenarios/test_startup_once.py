"""A worker has one life: whoever else starts it, at whatever moment, is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from random import Random

import pytest

from fluid import QueueConsumerWorker, Worker, WorkerFunction, WorkerStartError, WorkerState
from fluid.events import WorkerStarted
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Watch,
    breakables,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, now, worker_with
from tests.worker.group_cast import Idle, end_of


def number_of_lives(worker: Recorded) -> int:
    """Returns how often a worker was started in earnest."""
    return sum(isinstance(event, WorkerStarted) for event in worker.events)


def is_refusal(error: BaseException | None) -> bool:
    """Returns whether an error says that there has been a start already."""
    return isinstance(error, WorkerStartError) and "cannot start: it is" in str(error)


@explored(faults="offered", swept=True, pairs=50)
async def test_of_three_starts_at_once_one_wins_and_the_others_are_refused(sim: Simulation):
    """S16"""
    worker = worker_with(startup=lambda _: asyncio.sleep(0.1))
    watch = Watch(worker)
    faults_of(sim, worker)
    starts = [asyncio.ensure_future(worker.startup()) for _ in range(3)]
    for number, start in enumerate(starts, 1):
        sim.offer(f"cancel starter {number}", start.cancel)
    errors = [await end_of(start) for start in starts]
    assert number_of_lives(worker) == 1
    assert errors.count(None) <= 1
    if not sim.schedule.strikes:
        assert errors.count(None) == 1
        assert sum(map(is_refusal, errors)) == 2
    await stop_at_last(worker)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=100)
async def test_a_second_start_is_refused_at_any_step_of_a_life_and_after_every_end(
    sim: Simulation,
):
    """S17, S22: there never are two runs, nor a new one beside the cleanup of the old one."""

    class Slow(Breakable):
        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            await asyncio.sleep(0.1)

    worker = Slow(name="slow")
    watch = Watch(worker)
    starts: list[asyncio.Task[BaseException | None]] = []

    def start_again() -> None:
        starts.append(sim.loop.create_task(end_of(worker.startup())))

    sim.offer("start again", start_again)
    faults_of(sim, worker)
    starter = starting(sim, worker)
    errors = [await end_of(starter)]
    stop = asyncio.ensure_future(stop_at_last(worker))
    await asyncio.sleep(sim.random().choice((0, 0.05, 1)))
    start_again()
    await stop
    start_again()
    while not all(start.done() for start in starts) or worker.is_running():
        await asyncio.sleep(0)
        await stop_at_last(worker)
    errors += [start.result() for start in starts]
    sim.sometimes("while it stops", any("it is stopping" in str(error) for error in errors))
    sim.sometimes("after it failed", any("it is failed" in str(error) for error in errors))
    assert number_of_lives(worker) == 1
    assert errors.count(None) <= 1
    assert sum(map(is_refusal, errors)) >= len(errors) - 1 - starter.cancelled()
    watch.assert_it_ended_well()


# --- ten at once ---------------------------------------------------------------------------------


async def _nothing(*_: object) -> None:
    """Does nothing."""


KINDS: dict[str, Callable[[], Worker]] = {
    "worker": lambda: Breakable(name="worker"),
    "plain worker": Idle,
    "group": lambda: group_of(*breakables("ab")),
    "function": lambda: WorkerFunction(_nothing, heartbeat=0.001),
    "consumer": lambda: QueueConsumerWorker(_nothing),
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


async def bustle(worker: Worker, random: Random) -> None:
    """Starts a worker and stops it, as one of many who do so, in no order."""
    for verb in random.sample((worker.startup, worker.shutdown, worker.wait_ready), 3):
        if verb == worker.wait_ready and not worker.has_started():
            continue
        began = now()
        error = await end_of(verb())
        assert error is None or isinstance(error, WorkerStartError), error
        assert now() - began <= 5
        await asyncio.sleep(random.choice((0, 0, 0.001)))


async def ten_at_once(make: Callable[[], Worker], lives: int, random: Random) -> None:
    """Lets ten tasks start and stop one worker, and so on with another one."""
    for _ in range(lives):
        worker = make()
        watch = Watch(worker)
        await asyncio.gather(*(bustle(worker, random) for _ in range(10)))
        await worker.shutdown()
        assert worker.worker_state in {WorkerState.INIT, WorkerState.STOPPED}
        watch.assert_it_ended_well()


@each_kind
@explored()
async def test_ten_tasks_that_start_and_stop_one_worker_meet_documented_errors_only(
    sim: Simulation, make: Callable[[], Worker]
):
    """S23"""
    await ten_at_once(make, 3, sim.random())


@pytest.mark.real
@pytest.mark.parametrize("kind", ["worker", "group"])
async def test_ten_tasks_that_start_and_stop_do_no_harm_in_real_time_either(kind: str):
    """S23"""
    await ten_at_once(KINDS[kind], 50, Random(23))


# --- where no loop runs --------------------------------------------------------------------------


@pytest.mark.real
async def test_a_start_on_a_thread_without_a_loop_is_an_error_and_makes_no_task():
    """S24: the worker is as it was, and can be started where a loop runs."""
    worker = worker_with()
    before = asyncio.all_tasks()
    errors: list[str] = []

    def start() -> None:
        with pytest.raises(RuntimeError) as caught:
            worker.startup().send(None)
        errors.append(str(caught.value))

    thread = threading.Thread(target=start)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert errors == ["no running event loop"]
    assert worker.worker_state is WorkerState.INIT
    assert asyncio.all_tasks() == before
    async with worker:
        assert worker.is_ready()
