"""Whoever asks for a stop: many at once, some who leave, and those whom it stops."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Worker, WorkerState
from fluid.events import WorkerStopping
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Watch, faults_of, faults_of_each, group_of, stop_at_last
from tests.scenarios.stop_cast import Finishing, late, lived, struck
from tests.worker.fakes import Recorded, worker_with
from tests.worker.group_cast import end_of, steps


async def assert_callers_share_one_stop(sim: Simulation, number: int) -> None:
    group = group_of(Breakable(name="a"), Finishing(3, name="b"))
    watch = Watch(group)
    begun: list[str] = []
    group.subscribe(
        lambda event: begun.append(event.path) if isinstance(event, WorkerStopping) else None
    )
    faults_of_each(sim, group, *group.workers())
    await end_of(group.startup())

    async def call() -> BaseException | None:
        await asyncio.sleep(sim.random().choice((0, 0, 1)))
        error = await stop_at_last(group)
        assert group.is_stopped()
        return error

    errors = await asyncio.gather(*(call() for _ in range(number)))
    assert all(error is errors[0] for error in errors)
    assert len(begun) == len(set(begun))
    watch.assert_it_ended_well()


@explored()
async def test_a_hundred_callers_share_one_stop_and_its_end(sim: Simulation) -> None:
    """G09"""
    await assert_callers_share_one_stop(sim, 100)


@explored(faults="offered", swept=True, pairs=20)
async def test_callers_share_one_stop_whatever_ends_the_workers(sim: Simulation) -> None:
    """G09"""
    await assert_callers_share_one_stop(sim, 4)


@explored(faults="offered", swept=True, pairs=20)
async def test_a_stop_goes_on_without_the_caller_who_was_cancelled(sim: Simulation) -> None:
    """G10"""
    members = [worker_with(name=name, shutdown=lambda _: asyncio.sleep(3)) for name in "ab"]
    group = group_of(*members)
    watch = Watch(group)
    await group.startup()
    caller = asyncio.ensure_future(group.shutdown())
    sim.offer("cancel the caller", caller.cancel)
    await asyncio.wait([caller])
    sim.sometimes("it was cancelled before it had asked", group.is_running())
    sim.sometimes("it was cancelled while it waited", group.is_stopping())
    group.gracefully_stop()
    await group.wait_for_shutdown()
    assert [worker.worker_state for worker in (group, *members)] == [WorkerState.STOPPED] * 3
    assert abs(watch.ended_at - watch.stopping_at - 3) <= late(sim)
    watch.assert_it_ended_well()


async def shut_down(worker: Worker) -> None:
    await worker.shutdown()


async def shut_down_the_group(worker: Worker) -> None:
    await steps(1)(worker)
    assert worker.worker_parent is not None
    await worker.worker_parent.shutdown()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_worker_that_stops_itself_in_run_does_not_wait_for_itself(sim: Simulation) -> None:
    """G11"""
    inside = worker_with(name="inside", run=shut_down)
    faults_of(sim, inside)
    assert await lived(sim, inside) <= late(sim)
    assert inside.worker_state is not WorkerState.FORCE_STOPPED or struck(sim, "force")


@pytest.mark.parametrize("hook", ["startup", "run", "shutdown"])
@explored(faults="offered", swept=True, pairs=20)
async def test_a_child_and_the_group_that_it_stops_from_a_hook_do_not_wait_for_each_other(
    sim: Simulation, hook: str
) -> None:
    """G11, G12"""
    inside: Recorded = worker_with(name="inside", **{hook: shut_down_the_group})
    group = group_of(group_of(inside, name="inner"), Breakable(name="other"))
    faults_of_each(sim, group, inside)
    assert await lived(sim, group) <= late(sim)
    for worker in (group, inside):
        assert worker.worker_state is not WorkerState.FORCE_STOPPED or struck(sim, "force")
