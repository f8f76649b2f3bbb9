"""Starts that take too long: they end in time, with an error that says where they waited."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import StartTimeoutError, Worker
from fluid.events import WorkerAbandoned, WorkerReady
from fluid.testing import Policy, Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Announcing,
    Watch,
    assert_the_starter_was_told,
    breakables,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import deaf, now, worker_with
from tests.worker.group_cast import end_of


@pytest.mark.parametrize("seconds", [2, inf])
@explored(faults="offered", swept=True, pairs=50)
async def test_a_start_that_is_not_ready_in_time_has_failed(sim: Simulation, seconds: float):
    """S20: one that becomes ready in the instant of its limit is in time or late, never both."""
    worker = worker_with(startup=lambda _: asyncio.sleep(seconds))
    worker.start_timeout = 2.0
    watch = Watch(worker)
    faults_of(sim, worker)
    error = await end_of(starting(sim, worker))
    assert_the_starter_was_told(worker, error)
    sim.sometimes("too late", isinstance(error, StartTimeoutError))
    if seconds == 2 and sim.schedule.policy is not Policy.FIFO:  # there the limit comes first
        sim.sometimes("in time", error is None)
    if not sim.schedule.strikes:
        assert 2 <= now() <= 2 + LATE
        assert isinstance(error, StartTimeoutError) or (error is None and seconds == 2)
    assert worker.is_ready() == worker.is_running()
    await asyncio.sleep(10)
    if not sim.schedule.strikes:
        assert worker.is_running() == (error is None)
    await stop_at_last(worker)
    watch.assert_it_ended_well()


@pytest.mark.parametrize("in_a_group", [False, True])
@explored(faults="offered", swept=True, pairs=10)
async def test_a_start_that_swallows_its_cancels_is_abandoned_with_its_stack(
    sim: Simulation, in_a_group: bool
):
    """S21"""
    stuck = worker_with(name="stuck", startup=deaf)
    stuck.start_timeout = 4.0
    root: Worker = group_of(*breakables("a"), stuck) if in_a_group else stuck
    watch = Watch(root)
    faults_of(sim, stuck)
    sim.offer("stop", root.gracefully_stop)
    sim.offer("force", root._worker.force)
    error = await end_of(starting(sim, root))
    assert now() <= 4 + 2 * stuck.cancel_period + LATE
    assert error is not None
    if not sim.schedule.strikes:
        assert isinstance(error, StartTimeoutError)
    if "on_startup" in stuck.diary:
        assert stuck.worker_exit is not None
        assert stuck.worker_exit.abandoned
        (told,) = [event for event in stuck.events if isinstance(event, WorkerAbandoned)]
        assert "deaf_to" in told.stack[-2]
    await stop_at_last(root)
    watch.assert_it_ended_well()
    await asyncio.sleep(4000)  # until it has had enough


@pytest.mark.parametrize("in_a_group", [False, True])
@explored(faults="offered", swept=True, pairs=50)
async def test_a_worker_that_never_becomes_ready_fails_its_start_in_time(
    sim: Simulation, in_a_group: bool
):
    """H05: although its ``on_startup`` has ended long ago, so that ``on_shutdown`` follows."""
    never = Announcing(inf, name="never")
    never.start_timeout = 2.0
    root: Worker = group_of(*breakables("a"), never) if in_a_group else never
    watch = Watch(root)
    faults_of(sim, never)
    sim.offer("stop", root.gracefully_stop)
    error = await end_of(starting(sim, root))
    assert error is not None
    assert not root.is_ready()
    if not sim.schedule.strikes:
        assert isinstance(error, StartTimeoutError)
        assert 2 <= now() <= 2 + LATE
        assert never.diary[-2] == "on_shutdown"
    await stop_at_last(root)
    watch.assert_it_ended_well()
    assert not any(isinstance(event, WorkerReady) for event in never.events)


@explored(faults="offered", swept=True, pairs=50)
async def test_who_becomes_ready_in_the_instant_of_the_limit_is_ready_or_has_failed(
    sim: Simulation,
):
    """H05"""
    worker = Announcing(2.0, name="just")
    worker.start_timeout = 2.0
    watch = Watch(worker)
    faults_of(sim, worker)
    error = await end_of(starting(sim, worker))
    sim.sometimes("too late", isinstance(error, StartTimeoutError))
    if sim.schedule.policy is not Policy.FIFO:  # there the limit, which was set first, comes first
        sim.sometimes("in time", error is None)
    assert worker.is_ready() == worker.is_running()
    assert error is None or not worker.is_ready()
    assert error is not None or any(isinstance(event, WorkerReady) for event in worker.events)
    await stop_at_last(worker)
    watch.assert_it_ended_well()
