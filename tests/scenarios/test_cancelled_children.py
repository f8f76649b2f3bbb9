"""Children that somebody cancels, or that cancel themselves, and what follows for their group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid import WorkerCancelled, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Watch,
    breakables,
    cancel_task_of,
    errors_of,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, worker_with
from tests.worker.group_cast import end_of

STOPPED = WorkerState.STOPPED


@explored(faults="offered", swept=True, pairs=20)
async def test_a_child_that_somebody_cancels_has_failed_and_nobody_else_is_cancelled(
    sim: Simulation,
) -> None:
    """C20"""
    members = breakables("abc")
    inner = group_of(*members[1:], name="inner")
    group = group_of(members[0], inner)
    watch = Watch(group)
    for member in members:
        sim.offer(f"cancel {member.worker_path}", lambda member=member: cancel_task_of(member))
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    error = await stop_at_last(group)
    victims = [member for member in members if errors_of(member)]
    struck = {strike.fault.removeprefix("cancel ") for strike in sim.schedule.strikes}
    for member in members:
        if member in victims:
            assert member.worker_path in struck
            assert type(errors_of(member)[0]) is asyncio.CancelledError
        elif member.has_started():
            assert member.worker_state is STOPPED
    if victims:
        assert type(error) is WorkerCancelled
        assert error.__cause__ in [errors_of(victim)[0] for victim in victims]
        assert group.worker_exit.exception is error
    sim.sometimes("somebody was cancelled", bool(victims))
    assert asyncio.current_task().cancelling() == 0
    watch.assert_it_ended_well()


async def cancel_oneself(worker: Recorded) -> None:
    """Leaves a cancel on its own task that comes when something is awaited next."""
    asyncio.current_task().cancel()


async def cancel_oneself_and_wait(worker: Recorded) -> None:
    """Cancels its own task, and is hit."""
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


@pytest.mark.parametrize("hook", ["startup", "run", "shutdown"])
@pytest.mark.parametrize("how", [cancel_oneself, cancel_oneself_and_wait])
@explored()
async def test_a_worker_that_cancels_itself_ends_as_if_somebody_else_had(
    sim: Simulation, hook: str, how: Callable[[Recorded], object]
) -> None:
    """C21"""
    worker = worker_with(name="worker", **{hook: how})
    sibling = Breakable(name="sibling")
    group = group_of(sibling, worker)
    watch = Watch(group)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    error = await stop_at_last(group)
    assert type(error) is WorkerCancelled
    assert str(error) == "worker group/worker was cancelled by somebody else"
    assert worker.diary[-1] == ("cancelled", 2)
    assert sibling.worker_state is STOPPED
    watch.assert_it_ended_well()


@pytest.mark.parametrize("hook", ["startup", "run"])
@pytest.mark.parametrize("verb", ["gracefully_stop", "shutdown"])
@explored(faults="offered", swept=True)
async def test_a_child_that_stops_its_group_before_it_has_waited_once_does_not_hang_it(
    sim: Simulation, hook: str, verb: str
) -> None:
    """C22"""

    async def stop_the_group(worker: Recorded) -> None:
        if (asked := getattr(group, verb)()) is not None:
            await asked

    eager = worker_with(name="eager", **{hook: stop_the_group})
    group = group_of(*breakables("a"), eager, *breakables("b"))
    watch = Watch(group)
    faults_of(sim, eager)
    await end_of(group.startup())
    await end_of(group.wait_for_shutdown())
    assert group.is_stopped()
    sim.sometimes("it was the child that stopped it", group.worker_exit.code == 0)
    watch.assert_it_ended_well()
