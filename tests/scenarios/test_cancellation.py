"""Cancels that are not fluid's: of whoever uses a group, of the group, of its children."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf

import pytest

from fluid import FluidError, Workers, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Planned,
    Watch,
    breakables,
    cancel_task_of,
    errors_of,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.group_cast import end_of, let_pass

STOPPED, FAILED = WorkerState.STOPPED, WorkerState.FAILED


class Levelled(Workers):
    """Looks, after its children have ended, how many cancels its task still counts."""

    level: int = 0

    async def on_shutdown(self) -> None:
        self.level = cancels_counted()


def cancels_counted() -> int:
    """Returns how many cancels the running task counts."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def using(group: Workers) -> None:
    """Does what a program does that is cancelled in the end."""
    async with group:
        await asyncio.sleep(inf)


# --- whoever uses a group is cancelled -----------------------------------------------------------


@explored(faults="offered", swept=True, pairs=20)
async def test_a_cancel_of_its_user_stops_the_children_in_order_and_goes_on_as_it_was(
    sim: Simulation,
) -> None:
    """C01, C17"""
    group = group_of(*breakables("abc"), stop_in_reverse=True)
    watch = Watch(group)
    user = asyncio.ensure_future(using(group))
    sim.offer("cancel the user", lambda: user.cancel("enough"))
    await asyncio.sleep(1)
    user.cancel("enough")
    error = await end_of(user)
    assert type(error) is asyncio.CancelledError
    assert error.args == ("enough",)
    sim.sometimes("the stop outlived its caller", group.is_stopping())
    await group.wait_for_shutdown()
    begun = [worker.worker_path for worker in group.workers() if worker.has_started()]
    assert watch.order == [*begun[::-1], *[group.worker_path] * group.has_started()]
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_cancel_of_its_user_and_an_error_of_a_child_are_both_seen(sim: Simulation) -> None:
    """C02"""
    broken, sibling = breakables("ab")
    group = group_of(broken, sibling)
    watch = Watch(group)
    levels: list[int] = []

    async def use() -> None:
        try:
            await using(group)
        finally:
            levels.append(cancels_counted())

    user = asyncio.ensure_future(use())
    cancels: list[bool] = []

    def cancel() -> None:
        cancels.append(user.cancel())

    sim.offer("cancel, then break", lambda: (cancel(), broken.break_()))
    sim.offer("break, then cancel", lambda: (broken.break_(), cancel()))
    await asyncio.sleep(1)
    cancel()
    error = await end_of(user)
    assert type(error) is asyncio.CancelledError
    await end_of(group.wait_for_shutdown())
    assert levels in ([], [cancels.count(True)])
    sim.sometimes("both", bool(errors_of(broken)))
    assert errors_of(group) == errors_of(broken)
    watch.assert_it_ended_well()


@pytest.mark.parametrize("level", [0, 1])
@explored(faults="offered", swept=True, pairs=20)
async def test_a_group_leaves_the_count_of_its_users_cancels_alone(
    sim: Simulation, level: int
) -> None:
    """C03"""
    inner = group_of(*breakables("b"), name="inner")
    group = group_of(*breakables("a"), inner)
    faults_of_each(sim, group, *inner.workers())

    async def use() -> None:
        for _ in range(level):
            asyncio.current_task().cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        assert cancels_counted() == level
        with suppress(Planned, FluidError, asyncio.CancelledError):
            async with group:
                await asyncio.sleep(1)
        assert cancels_counted() == level

    await asyncio.ensure_future(use())


# --- the group is cancelled ----------------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=20)
async def test_a_cancel_of_the_group_and_an_error_of_a_child_are_both_in_its_record(
    sim: Simulation,
) -> None:
    """C02"""
    broken, sibling = breakables("ab")
    group = group_of(broken, sibling)
    watch = Watch(group)
    cancels: list[bool] = []

    def cancel() -> None:
        life = group._worker.life
        cancels.append(life is not None and life.task is not None and life.task.cancel())

    sim.offer("cancel, then break", lambda: (cancel(), broken.break_()))
    sim.offer("break, then cancel", lambda: (broken.break_(), cancel()))
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    broken.break_()
    cancel()
    await stop_at_last(group)
    own = errors_of(broken)
    assert errors_of(group)[: len(own)] == own
    assert [type(error) for error in errors_of(group)[len(own) :]] == (
        [asyncio.CancelledError] if any(cancels) else []
    )
    sim.sometimes("both", len(errors_of(group)) == 2)
    assert errors_of(sibling) == ()
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_an_inner_and_an_outer_group_that_fail_in_one_step_have_an_error_each(
    sim: Simulation,
) -> None:
    """C04"""
    above, below = breakables("ab")
    inner = Levelled(below, name="inner")
    outer = Levelled(above, inner, name="outer")
    watch = Watch(outer)
    sim.offer("above, then below", lambda: (above.break_(), below.break_()))
    sim.offer("below, then above", lambda: (below.break_(), above.break_()))
    await end_of(starting(sim, outer))
    await asyncio.sleep(1)
    above.break_()
    below.break_()
    await stop_at_last(outer)
    assert errors_of(inner) == errors_of(below)
    failed = {"outer/a": errors_of(above), "outer/inner": errors_of(inner)}
    assert errors_of(outer) == sum((failed.get(path, ()) for path in watch.order), ())
    sim.sometimes("both", len(errors_of(outer)) == 2)
    assert inner.level == outer.level == 0
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_more_cancels_of_a_group_leave_what_one_leaves(sim: Simulation) -> None:
    """C07"""
    members = breakables("ab")
    group = group_of(*members)
    watch = Watch(group)
    sim.offer("cancel it", lambda: cancel_task_of(group))
    sim.offer("cancel it twice", lambda: [cancel_task_of(group) for _ in range(2)])
    await end_of(group.startup())
    for _ in range(sim.random().randint(1, 3)):
        cancel_task_of(group)
        await let_pass(sim.random().randrange(4))
    error = await stop_at_last(group)
    record = group.worker_exit
    assert record is not None
    assert type(error) is asyncio.CancelledError
    assert (record.state, record.reason, record.code) == (FAILED, "cancelled", 2)
    assert record.errors == ()
    assert all(member.worker_state is STOPPED for member in members if member.has_started())
    watch.assert_it_ended_well()


# --- whoever watches is cancelled ----------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=20)
async def test_a_cancel_of_a_watcher_touches_neither_the_worker_nor_another_watcher(
    sim: Simulation,
) -> None:
    """C14"""
    group = group_of(*breakables("ab"))
    start = asyncio.ensure_future(group.startup())
    while not group.has_started():
        await asyncio.sleep(0)
    ways = (group.wait_ready, group.wait_for_shutdown, group.wait_for_shutdown, group.status)
    watchers = [asyncio.ensure_future(watch()) for watch in ways]
    for number, watcher in enumerate(watchers):
        sim.offer(f"cancel watcher {number}", watcher.cancel)
    await start
    await asyncio.sleep(1)
    assert group.is_ready()
    assert all(worker.is_running() for worker in group.workers())
    await group.shutdown()
    struck = {strike.fault for strike in sim.schedule.strikes}
    for number, watcher in enumerate(watchers):
        error = await end_of(watcher)
        assert error is None or f"cancel watcher {number}" in struck
        sim.sometimes("one was cancelled", error is not None)
