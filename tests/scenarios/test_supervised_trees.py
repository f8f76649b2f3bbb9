"""Supervisors below supervisors: what a failure reaches, what comes back, and who says what."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from fluid import (
    DynamicSupervisor,
    FluidValueError,
    Supervisor,
    SupervisorGaveUp,
    Worker,
    Workers,
    events,
)
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, cancel_task_of, stop_at_last
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    makers,
    supervisor_of,
)
from tests.worker.fakes import deaf, forever, now, worker_with
from tests.worker.group_cast import end_of

all_kinds = pytest.mark.parametrize("kind", ["instance", "factory"])


def given(kind: str, make) -> Worker | Maker:
    """Returns a sub-supervisor as a child is given: itself, or what makes it."""
    return make() if kind == "instance" else make


@explored(faults="offered", swept=True)
async def test_in_a_mixed_tree_only_the_worker_that_died_is_restarted(sim: Simulation) -> None:
    """T01: three levels, one_for_one below one_for_all."""
    a, b, c = makers("abc")
    inner = supervisor_of(a, b, name="inner")
    app = supervisor_of(supervisor_of(inner, name="middle", strategy="one_for_all"), c)
    lives = Lives(app)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("cancel a", lambda: cancel_task_of(a.now))
    sim.offer("stop a", lambda: a.now.gracefully_stop())
    assert await end_of(app.startup()) is None or sim.schedule.strikes
    await asyncio.sleep(1)
    was_ready = app.is_ready()
    others = {name: number for name, number in lives.starts.items() if name != a.now.worker_path}
    assert set(others.values()) <= {1}, others
    sim.sometimes("restarted", was_ready and lives.starts["app/middle/inner/a"] > 1)
    await stop_at_last(app)
    lives.assert_all_is_well()


@all_kinds
@explored(faults="offered", swept=True, pairs=20)
async def test_a_supervisor_that_somebody_cancels_ends_with_its_children_and_comes_back(
    sim: Simulation, kind: str
) -> None:
    """T03"""
    a, b = makers("ab")
    dynamic = DynamicSupervisor(Breakable, name="dynamic", restart="temporary")

    def make() -> Supervisor:
        return supervisor_of(a, b, name="sub")

    app = supervisor_of(given(kind, make), dynamic)
    lives = Lives(app)
    sim.offer("cancel sub", lambda: cancel_task_of(next(app.workers())))
    sim.offer("cancel dynamic", lambda: cancel_task_of(dynamic))
    await end_of(app.startup())
    await end_of(dynamic.start_child(name="guest"))
    await asyncio.sleep(1)
    if app.is_ready():
        assert dynamic.num_workers == (lives.starts["app/dynamic"] == 1) or sim.schedule.strikes
        sim.sometimes("sub came back", lives.starts["app/sub"] > 1)
        sim.sometimes("dynamic came back empty", not dynamic.num_workers)
    await stop_at_last(app)
    lives.assert_all_is_well()


@pytest.mark.parametrize("how", ["cancelled", "ended", "broken", "restarted by hand"])
@explored()
async def test_a_grandchild_is_found_again_under_its_path_whatever_became_of_it(
    sim: Simulation, how: str
) -> None:
    """T04"""
    a, b = makers("ab")
    sub = supervisor_of(a, b, name="sub")
    app = supervisor_of(sub)
    await app.startup()
    await asyncio.sleep(0.01)
    before = a.now
    if how == "cancelled":
        cancel_task_of(before)
    elif how == "ended":
        before.gracefully_stop()
    elif how == "broken":
        before.break_()
    else:
        await sub.restart_child("a")
    await asyncio.sleep(1)
    assert before.is_stopped()
    assert next(sub.workers()) is a.now is not before
    assert a.now.worker_path == before.worker_path == "app/sub/a"
    assert a.now.is_ready()
    sim.sometimes("once", len(a.made) == 2)
    await app.shutdown()


@pytest.mark.parametrize(("hook", "after"), [(forever, 10), (deaf, 12)])
async def test_a_child_that_turns_away_is_still_stopped_within_its_bound(hook, after) -> None:
    """T05: one that does not even hear of the stop that was asked for."""

    class Unlinked(Breakable):
        def gracefully_stop(self) -> None:
            pass

        async def run(self) -> None:
            await hook(self)

    app = supervisor_of(Unlinked(name="a"), Breakable(name="b"))
    await app.startup()
    await end_of(app.stop_child("a"))
    assert now() == after
    # One that refused to end may not run twice, so that is the end of the supervisor.
    assert isinstance(await end_of(app.shutdown()), SupervisorGaveUp) == (hook is deaf)
    assert now() <= 17
    await asyncio.sleep(3600)  # the deaf one wakes up


async def test_an_error_goes_up_with_the_path_of_its_leaf_and_each_level_says_what_it_did() -> None:
    """T10"""
    leaf = Maker("leaf")
    tree: Supervisor = supervisor_of(leaf, name="d", max_restarts=1)
    for name in "cba":
        tree = supervisor_of(tree, name=name, max_restarts=0)
    app = Workers(tree, name="root")
    said: list[events.WorkerEvent] = []
    app.subscribe(said.append)
    await app.startup()
    for _ in range(2):
        await asyncio.sleep(1)
        leaf.now.break_()
    error = await end_of(app.wait_for_shutdown())
    paths = ["root/a", "root/a/b", "root/a/b/c", "root/a/b/c/d", "root/a/b/c/d/leaf"]
    for above, below in pairwise(paths):
        assert isinstance(error, SupervisorGaveUp)
        assert (error.path, error.child) == (above, below)
        error = error.__cause__
    assert str(error) == "leaf"
    (restart,) = [event for event in said if isinstance(event, events.RestartScheduled)]
    assert restart.path == paths[-1]
    gave_up = [event.path for event in said if isinstance(event, events.GaveUp)]
    assert gave_up == paths[-2::-1]
    failed = [event for event in said if isinstance(event, events.WorkerFailed)]
    assert {event.origin for event in failed} == {paths[-1]}


async def test_a_tree_needs_the_time_of_its_children_and_an_inner_deadline_is_never_later() -> None:
    """T11: without a grace of its own; with one, everybody below shares that."""
    sleepers = [
        worker_with(name=name, run=forever, stopping_grace_period=grace)
        for name, grace in (("a", 3), ("b", 5), ("c", 7))
    ]
    a, b, c = sleepers
    inner = supervisor_of(b, c, name="inner")
    app = supervisor_of(a, inner)
    assert inner.worker_stop_bound == b.worker_stop_bound + c.worker_stop_bound
    assert app.worker_stop_bound == a.worker_stop_bound + inner.worker_stop_bound
    outer = Supervisor(app, name="outer", stopping_grace_period=9)
    ends: dict[str, float] = {}
    outer.subscribe(
        lambda event: (
            ends.setdefault(event.path, event.at + event.bound)
            if isinstance(event, events.WorkerStopping)
            else None
        )
    )
    await outer.startup()
    await outer.shutdown()
    assert now() <= 9
    assert len(ends) == 6
    for path, end in ends.items():
        assert end <= ends[path.rpartition("/")[0] or path] + 1e-6, ends


async def test_two_supervisors_cannot_share_a_worker() -> None:
    """T12"""
    shared = Breakable(name="shared")
    first = supervisor_of(shared, name="first")
    with pytest.raises(FluidValueError, match="it is in group 'first' already"):
        supervisor_of(shared, name="second")
    async with supervisor_of() as app:
        with pytest.raises(FluidValueError, match="already"):
            await app.add_child(shared)
        assert app.num_workers == 0
    assert list(first.workers()) == [shared]


@explored(faults="offered", swept=True, pairs=20)
async def test_whatever_strikes_a_tree_its_supervisors_come_back_or_all_of_it_ends(
    sim: Simulation,
) -> None:
    """T01, T03, G22"""
    a, b = makers("ab")
    sub = Maker("sub", lambda name: supervisor_of(a, name=name, max_restarts=1))
    app = supervisor_of(sub, b, strategy="rest_for_one")
    lives = Lives(app)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("cancel a", lambda: cancel_task_of(a.now))
    sim.offer("force sub", lambda: sub.now._worker.force())
    sim.offer("stop sub", lambda: sub.now.gracefully_stop())
    await end_of(app.startup())
    await asyncio.sleep(1)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("sub was restarted", lives.starts["app/sub"] > 1)
