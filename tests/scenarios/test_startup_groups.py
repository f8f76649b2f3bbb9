"""Starting a group: in order, each when the one before is ready, and all of them or nobody."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from fluid import Worker, WorkerCancelled, WorkerState
from fluid.events import WorkerFailed
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    breakables,
    cancel_task_of,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.group_cast import end_of, history_of

in_both_orders = pytest.mark.parametrize("in_reverse", [False, True])


class Slow(Breakable):
    """Takes its time to start and to clean up."""

    async def on_startup(self) -> None:
        await super().on_startup()
        await asyncio.sleep(0.1)

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await asyncio.sleep(0.1)


class Failing(Slow):
    """Holds something while it starts, and then fails."""

    holds = False

    async def on_startup(self) -> None:
        self.worker_exit_stack.callback(setattr, self, "holds", False)
        self.holds = True
        await super().on_startup()
        raise Planned(self.worker_name)


def is_own_failure(error: BaseException | None, worker: Worker) -> bool:
    """Returns whether an error is what a worker itself has raised."""
    return isinstance(error, Planned) and str(error) == worker.worker_name


@explored(faults="offered", swept=True, pairs=50)
async def test_an_empty_group_runs_until_it_is_stopped_and_leaves_nothing(sim: Simulation):
    """S01"""
    group = group_of()
    watch, history = Watch(group), history_of(group)
    faults_of(sim, group)
    error = await end_of(starting(sim, group))
    await asyncio.sleep(1000)
    if not sim.schedule.strikes:
        assert error is None
        assert group.is_ready()
        await stop_at_last(group)
        assert history == ["start group", "ready group", "stop group", "stopped group"]
    await stop_at_last(group)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=50)
async def test_an_added_child_that_fails_to_start_ends_the_group_with_its_error(sim: Simulation):
    """S10: nothing of it is left, and nobody beside it either."""
    first, added = Slow(name="a"), Failing(name="added")
    group = group_of(first)
    watch = Watch(group)
    faults_of(sim, group)
    await end_of(group.startup())
    if group.is_running() and first.is_running():
        group.add_workers(added)
    error = await end_of(group.wait_for_shutdown())
    assert error is None or isinstance(error, (Planned, WorkerCancelled, asyncio.CancelledError))
    sim.sometimes("it failed", is_own_failure(error, added))
    if "on_startup" in added.diary and not sim.schedule.strikes:
        assert is_own_failure(error, added)
        assert await end_of(added.wait_for_shutdown()) is error
    watch.assert_it_ended_well()
    assert not added.holds
    assert "run" not in added.diary
    assert "on_shutdown" not in added.diary


@in_both_orders
@explored(faults="offered", swept=True, pairs=50)
async def test_when_the_third_of_five_fails_those_before_it_are_stopped_and_no_other_starts(
    sim: Simulation, in_reverse: bool
):
    """S13, S09"""
    third = Failing(name="c")
    before, after = [Slow(name=name) for name in "ab"], breakables("de")
    group = group_of(*before, third, *after, stop_in_reverse=in_reverse)
    watch = Watch(group)
    origins: list[str] = []
    group.subscribe(lambda e: origins.append(e.origin) if type(e) is WorkerFailed else None)
    sim.offer("stop", group.gracefully_stop)
    sim.offer("break a", before[0].break_)
    sim.offer("cancel c", lambda: cancel_task_of(third))
    error = await end_of(starting(sim, group))
    assert error is not None
    if not sim.schedule.strikes:
        assert is_own_failure(error, third)
        assert origins == ["group/c", "group/c"]
        assert group.worker_state is WorkerState.FAILED
        assert [worker.worker_state for worker in before] == [WorkerState.STOPPED] * 2
        if in_reverse:
            assert watch.order == ["group/c", "group/b", "group/a", "group"]
    assert group.is_stopped() or not group.has_started()
    watch.assert_it_ended_well()
    assert not third.holds
    assert not any(worker.has_started() for worker in after)


@explored(faults="offered", swept=True, pairs=50)
async def test_children_start_in_the_order_given_each_when_the_one_before_is_ready(
    sim: Simulation,
):
    """S25: up to the moment at which something ends the start."""
    members = [Slow(name=name) for name in "dcaeb"]
    group = group_of(*members)
    watch, history = Watch(group), history_of(group, "start", "ready")
    sim.offer("stop", group.gracefully_stop)
    sim.offer("break the first", members[0].break_)
    error = await end_of(starting(sim, group))
    expected = [f"{verb} group/{name}" for name in "dcaeb" for verb in ("start", "ready")]
    expected = ["start group", *expected, "ready group"]
    assert history == expected[: len(history)]
    assert error is not None or history == expected
    assert error is None or sim.schedule.strikes
    sim.sometimes("half of them started", 4 < len(history) < len(expected))
    await stop_at_last(group)
    watch.assert_it_ended_well()


number: ContextVar[int] = ContextVar("number", default=0)


class Counting(Breakable):
    """Looks at a number in each hook, and adds ten."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.seen: dict[str, int] = {}

    def look(self, hook: str) -> None:
        self.seen[hook] = number.get()
        number.set(number.get() + 10)

    async def on_startup(self) -> None:
        self.look("on_startup")
        await super().on_startup()

    async def run(self) -> None:
        self.look("run")
        await super().run()

    async def on_shutdown(self) -> None:
        self.look("on_shutdown")
        await super().on_shutdown()


@explored(faults="offered", swept=True, pairs=50)
async def test_hooks_see_what_the_starter_set_and_what_they_set_stays_inside(sim: Simulation):
    """S28: inside one worker, from hook to hook; not even its siblings see it."""
    members = [Counting(name=name) for name in "ab"]
    group = group_of(*members)
    watch = Watch(group)
    faults_of(sim, group)
    token = number.set(7)
    await end_of(starting(sim, group))
    number.set(1000)  # too late: nobody sees it
    await stop_at_last(group)
    watch.assert_it_ended_well()
    for member in members:
        assert [*member.seen.values()] == [7, 17, 27][: len(member.seen)]
        assert sim.schedule.strikes or len(member.seen) == 3
    assert number.get() == 1000
    number.reset(token)


class FailsInRun(Worker):
    """Has failed before its first await."""

    async def run(self) -> None:
        raise Planned(self.worker_name)


class FailsInOnStartup(FailsInRun):
    """Likewise, and is not ready by then."""

    async def on_startup(self) -> None:
        raise Planned(self.worker_name)


class FailsInStartup(FailsInRun):
    """Likewise, and never starts at all."""

    async def startup(self) -> None:
        raise Planned(self.worker_name)


@pytest.mark.parametrize("kind", [FailsInRun, FailsInOnStartup, FailsInStartup])
@explored(faults="offered", swept=True, pairs=50)
async def test_a_child_that_fails_in_its_first_step_fails_its_group_and_no_other_child(
    sim: Simulation, kind: type[Worker]
):
    """S29: the same where tasks are eager, and that step is taken inside ``create_task``."""
    first, failing, last = Breakable(name="a"), kind(name="failing"), Breakable(name="c")
    group = group_of(first, failing, last)
    watch = Watch(group)
    faults_of(sim, failing)
    sim.offer("stop", group.gracefully_stop)
    sim.offer("cancel the group", lambda: cancel_task_of(group))
    start_error = await end_of(starting(sim, group))
    assert start_error is not None or kind is FailsInRun  # it may be after the group was ready
    error = await end_of(group.wait_for_shutdown())
    if not sim.schedule.strikes:
        assert is_own_failure(error, failing)
        assert start_error in {None, error}
        assert first.worker_state is WorkerState.STOPPED
        assert not last.has_started() or kind is FailsInRun
    watch.assert_it_ended_well()
