"""A stop by force: who is cancelled when, and what becomes of those who do not mind."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import Worker, WorkerState
from fluid.events import LateEnd, WorkerAbandoned, WorkerCancelledByForce, WorkerEnded
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    faults_of,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.scenarios.stop_cast import (
    Finishing,
    had_enough,
    has_run,
    late,
    lived,
    stop_of,
    struck,
    times_of,
)
from tests.worker.fakes import Recorded, deaf, deaf_to, forever, worker_with
from tests.worker.group_cast import end_of

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


def cancels_of(worker: Recorded) -> list[int]:
    """Returns the numbers of the cancels that were told of a worker, from 1."""
    return [event.attempt for event in worker.events if isinstance(event, WorkerCancelledByForce)]


@explored(faults="offered", swept=True, pairs=20)
async def test_a_child_without_any_grace_is_cancelled_at_once_and_cleans_up(
    sim: Simulation,
) -> None:
    """F01"""
    members = [worker_with(name=name, run=forever, stopping_grace_period=0) for name in "ab"]
    group = group_of(*members)
    faults_of_each(sim, group, members[0])
    assert await lived(sim, group) <= late(sim)
    for member in members:
        assert member.diary.count("on_shutdown") >= has_run(member)
    if not sim.schedule.strikes:
        assert [cancels_of(member) for member in members] == [[1], [1]]
        assert [member.worker_state for member in members] == [FORCED, FORCED]


@pytest.mark.parametrize("how", ["without grace", "forced"])
@explored()
async def test_ten_that_are_cut_together_all_end_and_their_group_tells_how(
    sim: Simulation, how: str
) -> None:
    """F02"""
    grace = 0 if how == "without grace" else inf
    members = [
        worker_with(name=f"{n}", run=forever, stopping_grace_period=grace) for n in range(10)
    ]
    group = group_of(*members)
    if how == "forced":
        sim.loop.call_later(1, group._worker.force)
    assert await lived(sim, group, seconds=2) <= late(sim)
    assert {member.worker_state for member in members} == {FORCED}
    expected = (STOPPED, "normal shutdown", 0) if grace == 0 else (FORCED, "forced shutdown", 1)
    record = group.worker_exit
    assert (record.state, record.reason, record.code) == expected


@explored(faults="offered", swept=True, pairs=20)
async def test_who_swallows_one_cancel_is_cancelled_again_and_ends(sim: Simulation) -> None:
    """F03"""
    worker = worker_with(name="worker", run=deaf_to(1), stopping_grace_period=2)
    group = group_of(worker)
    faults_of(sim, group)
    assert await lived(sim, group) <= 2 + worker.cancel_period + late(sim)
    if worker.has_started():
        assert not worker.worker_exit.abandoned
    if not sim.schedule.strikes:
        assert cancels_of(worker) == [1, 2]
        assert stop_of(worker) >= 2 + worker.cancel_period


@explored(faults="offered", swept=True, pairs=20)
async def test_who_swallows_every_cancel_is_abandoned_and_its_place_is_told(
    sim: Simulation,
) -> None:
    """F04"""
    refusing = worker_with(name="refusing", run=deaf, stopping_grace_period=2)
    group = group_of(Breakable(name="other"), refusing)
    faults_of_each(sim, group, refusing)
    assert await lived(sim, group) <= 2 + 2 * refusing.cancel_period + late(sim)
    told = [event for event in refusing.events if isinstance(event, WorkerAbandoned)]
    assert len(told) == (refusing.has_started() and refusing.worker_exit.abandoned)
    if has_run(refusing):
        (abandoned,) = told
        assert any("deaf_to" in place for place in abandoned.stack)
        assert refusing.worker_state is FORCED
        assert "on_shutdown" not in refusing.diary
    await had_enough()


STARTS = {"that waits": forever, "deaf to one cancel": deaf_to(1), "deaf to all": deaf}


@pytest.mark.parametrize("start", STARTS)
@explored(faults="offered", swept=True, pairs=20)
async def test_force_during_a_start_ends_it_within_its_bound_and_cleans_up(
    sim: Simulation, start: str
) -> None:
    """F07"""
    closed: list[str] = []

    async def enter_and_wait(worker: Recorded) -> None:
        worker.worker_exit_stack.callback(closed.append, "closed")
        await STARTS[start](worker)

    slow = worker_with(name="slow", startup=enter_and_wait)
    group = group_of(Breakable(name="a"), slow, Breakable(name="never"))
    watch = Watch(group)
    faults_of_each(sim, group, slow)
    sim.loop.call_later(5, group._worker.force)
    error = await end_of(starting(sim, group))
    assert error is not None
    await stop_at_last(group)
    watch.assert_it_ended_well()
    if slow.has_started() and "on_startup" in slow.diary:
        assert stop_of(slow) <= 2 * slow.cancel_period + late(sim)
        assert closed == ["closed"] * (not slow.worker_exit.abandoned)
    assert not has_run(slow)
    await had_enough()


async def raise_in_the_end(worker: Worker) -> None:
    await deaf(worker)
    raise Planned("late")


@pytest.mark.parametrize("run", [deaf, raise_in_the_end], ids=["ends", "raises"])
@explored(faults="offered", swept=True, pairs=20)
async def test_an_abandoned_task_that_ends_after_all_is_told_of_once_and_changes_nothing(
    sim: Simulation, run
) -> None:
    """F10"""
    worker = worker_with(name="worker", run=run, stopping_grace_period=0)
    group = group_of(worker)
    await group.startup()
    await asyncio.sleep(1)  # without it, a worker without grace may be cancelled before its run()
    await stop_at_last(group)
    records = [worker.worker_exit, group.worker_exit]
    faults_of(sim, group)
    await asyncio.sleep(4000)
    assert [worker.worker_exit, group.worker_exit] == records
    assert (worker.worker_state, group.worker_state) == (FORCED, STOPPED)
    (late_end,) = (event for event in worker.events if isinstance(event, LateEnd))
    assert isinstance(late_end.exception, Planned) == (run is raise_in_the_end)
    assert len(times_of(worker, WorkerEnded)) == 1


@explored(faults="offered", swept=True, pairs=20)
async def test_force_amid_a_graceful_stop_makes_one_outcome_of_the_two(sim: Simulation) -> None:
    """F12"""
    members = [Finishing(inf, name=name, stopping_grace_period=inf) for name in "ab"]
    group = group_of(*members, stop_in_reverse=True)
    faults_of_each(sim, group, members[1])
    forcing = sim.loop.call_later(100, group._worker.force)
    assert await lived(sim, group) <= 100 + late(sim)
    forcing.cancel()
    is_forced = {worker.worker_state for worker in (group, *members)} == {FORCED}
    sim.sometimes("all was forced", is_forced)
    if all(map(has_run, members)) and not struck(sim, "cancel") and not struck(sim, "break"):
        assert is_forced
        assert (group.worker_exit.reason, group.worker_exit.code) == ("forced shutdown", 1)
