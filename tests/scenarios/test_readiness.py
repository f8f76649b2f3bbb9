"""Readiness never lies: not while a tree starts, not once it has to stop, and to no waiter."""

from __future__ import annotations

import asyncio
import signal

import pytest

import fluid
from fluid import Workers, WorkerStartError, WorkerState
from fluid.events import WorkerEvent, WorkerReady, WorkerStopping
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Announcing,
    Breakable,
    Watch,
    breakables,
    cancel_task_of,
    group_of,
    starting,
    stop_at_last,
    tree_of,
)
from tests.worker.fakes import worker_with
from tests.worker.group_cast import Idle, end_of, history_of


class Circumspect(Breakable):
    """Is ready in time, and has a ``startup()`` that does not return before a while after that."""

    is_up = False

    async def startup(self) -> None:
        await super().startup()
        await asyncio.sleep(0.1)
        self.is_up = True


class Gauge:
    """Looks whether a group is ready, at every event in it and whenever it is told to."""

    def __init__(self, sim: Simulation, group: Workers) -> None:
        self.group = group
        self.seen: list[bool] = []
        self.lies: list[str] = []
        group.subscribe(self.hear)
        sim.offer("look", self.look)

    def look(self) -> None:
        """Looks, and looks behind it."""
        self.seen.append(self.group.is_ready())
        if self.seen[-1]:
            below = tree_of(self.group)
            self.lies += [each.worker_path for each in below if not each.is_ready()]
            self.lies += [each.worker_path for each in below if not each.is_running()]
            self.lies += [each.worker_path for each in below if not getattr(each, "is_up", True)]

    def hear(self, event: WorkerEvent) -> None:
        """Looks; a child that is told to stop has to find the group unready."""
        self.look()
        if isinstance(event, WorkerStopping) and self.seen[-1]:
            self.lies.append(f"{event.path} stops")

    @property
    def rises(self) -> int:
        """How often the group became ready."""
        return sum(not one and other for one, other in zip(self.seen, self.seen[1:], strict=False))


@explored(faults="offered", swept=True, pairs=50)
async def test_a_group_becomes_ready_once_with_the_last_of_its_children(sim: Simulation):
    """H01"""
    slow = worker_with(name="slow", startup=lambda _: asyncio.sleep(0.1))
    (first,) = breakables("a")
    inner = group_of(slow, name="inner")
    group = group_of(first, inner, Announcing(0.1, name="late"))
    watch, gauge = Watch(group), Gauge(sim, group)
    history = history_of(group, "ready")
    sim.offer("stop", group.gracefully_stop)
    sim.offer("break a", first.break_)
    sim.offer("cancel inner", lambda: cancel_task_of(inner))
    error = await end_of(starting(sim, group))
    assert gauge.rises <= 1
    if not sim.schedule.strikes:
        assert error is None
        assert group.is_ready()
        assert gauge.rises == 1
        assert history[-2:] == ["ready group/late", "ready group"]
    await stop_at_last(group)
    gauge.look()
    assert gauge.rises <= 1
    assert gauge.lies == []
    assert not gauge.seen[-1]
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=50)
async def test_a_group_is_unready_while_an_added_child_starts(sim: Simulation):
    """H01: and so is the group above; those who wait for either are told when it is over."""
    first = Breakable(name="a")
    inner = group_of(first, name="inner")
    group = group_of(inner)
    watch, gauge = Watch(group), Gauge(sim, group)
    sim.offer("stop", group.gracefully_stop)
    sim.offer("break a", first.break_)
    sim.offer("cancel inner", lambda: cancel_task_of(inner))
    added = Announcing(0.1, name="added"), Circumspect(name="circumspect")
    await end_of(group.startup())
    waiters: list[asyncio.Task[None]] = []
    if inner.is_ready():
        inner.add_workers(*added)
        assert not group.is_ready()
        waiters = [asyncio.ensure_future(each.wait_ready()) for each in (group, inner, *added)]
    errors = [await end_of(asyncio.wait_for(waiter, 10)) for waiter in waiters]
    assert all(error is None or isinstance(error, WorkerStartError) for error in errors)
    gauge.look()
    if not sim.schedule.strikes:
        assert errors == [None] * 4
        assert gauge.rises == 2
    await stop_at_last(group)
    assert gauge.rises <= 2
    assert gauge.lies == []
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=50)
async def test_a_stop_takes_the_readiness_away_before_it_reaches_any_child(sim: Simulation):
    """H03"""
    first, inner = Breakable(name="a"), group_of(*breakables("c"), name="inner")
    group = group_of(first, inner)
    watch, gauge = Watch(group), Gauge(sim, group)
    lost = False

    def stop() -> None:
        nonlocal lost
        lost = lost or group.is_ready()
        before = [worker.worker_state for worker in tree_of(group)[1:]]
        group.gracefully_stop()
        if group.is_ready() or before != [worker.worker_state for worker in tree_of(group)[1:]]:
            gauge.lies.append("stop")

    sim.offer("stop", stop)
    sim.offer("stop a", first.gracefully_stop)
    sim.offer("cancel inner", lambda: cancel_task_of(inner))
    await end_of(starting(sim, group))
    await asyncio.sleep(sim.random().choice((0, 0, 0.1)))
    stop()
    sim.sometimes("it was ready", lost)
    await stop_at_last(group)
    assert gauge.lies == []
    watch.assert_it_ended_well()


@pytest.mark.real
def test_a_signal_takes_the_readiness_away_while_the_process_goes_on():
    """H03: a child finds it gone when it is asked to stop, and can still await what it likes."""
    seen: list[tuple[str, bool, bool]] = []

    class Draining(Idle):
        async def on_startup(self) -> None:
            asyncio.get_running_loop().call_later(0.01, signal.raise_signal, signal.SIGTERM)

        async def on_shutdown(self) -> None:
            await asyncio.sleep(0.01)
            seen.append(("drained", group.is_ready(), group.is_stopping()))

    def look(event: WorkerEvent) -> None:
        if type(event) in {WorkerReady, WorkerStopping}:
            seen.append((event.path, group.is_ready(), group.is_stopping()))

    group = group_of(Draining(name="draining"))
    group.subscribe(look)
    fluid.run(group)
    assert seen == [
        ("group/draining", False, False),
        ("group", True, False),
        ("group", False, True),
        ("group/draining", False, True),
        ("drained", False, True),
    ]
    assert group.worker_state is WorkerState.STOPPED


@explored(faults="offered", swept=True, pairs=100)
async def test_a_cancelled_wait_for_readiness_leaves_the_worker_and_other_waiters_alone(
    sim: Simulation,
):
    """H13"""
    group = group_of(Announcing(0.1, name="a"))
    watch = Watch(group)
    start = asyncio.ensure_future(group.startup())
    waiters = [asyncio.ensure_future(group.wait_ready()) for _ in range(3)]
    for number, waiter in enumerate(waiters[:2]):
        sim.offer(f"cancel waiter {number}", waiter.cancel)
    sim.offer("stop", group.gracefully_stop)
    sim.offer("cancel the group", lambda: cancel_task_of(group))
    await asyncio.wait([start, *waiters])
    struck = {strike.fault for strike in sim.schedule.strikes}
    if struck.isdisjoint({"stop", "cancel the group"}):
        assert start.exception() is None
        assert group.is_ready()
        assert waiters[2].exception() is None
        for number, waiter in enumerate(waiters[:2]):
            assert waiter.done() if f"cancel waiter {number}" in struck else waiter.result() is None
    sim.sometimes("a waiter was cancelled", any(waiter.cancelled() for waiter in waiters))
    errors = [waiter.exception() for waiter in waiters if not waiter.cancelled()]
    assert all(error is None or isinstance(error, WorkerStartError) for error in errors)
    await end_of(start)
    await stop_at_last(group)
    watch.assert_it_ended_well()
