"""Many children of one kind, started at run time: told apart, and forgotten when they end."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import (
    Backoff,
    ChildNotFound,
    DynamicSupervisor,
    FluidValueError,
    TooManyChildren,
    Worker,
    WorkerState,
)
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, cancel_task_of, stop_at_last
from tests.scenarios.request_cast import dynamic
from tests.scenarios.supervised_cast import Lives
from tests.worker.fakes import now, raising, worker_with
from tests.worker.group_cast import Idle, end_of

# --- who is who ----------------------------------------------------------------------------------


async def test_a_child_is_stopped_as_itself_or_by_the_key_that_the_status_shows() -> None:
    """D07: OTP knows no ids there; here the last part of a path is one, given by nobody."""
    async with dynamic() as app:
        a, b = [await app.start_child(name="same") for _ in range(2)]
        assert list(await app.status()) == ["same-1", "same-2"]
        assert await app.stop_child(a) is a.worker_exit
        assert await app.stop_child("same-2") is b.worker_exit
        assert app.num_workers == 0
        c = await app.start_child(name="same")
        assert c.worker_path == "app/same-3"


async def test_a_foreign_worker_or_name_is_not_found_and_not_touched() -> None:
    """D07"""
    async with Breakable(name="same-1") as stranger, dynamic() as app:
        a = await app.start_child(name="same")
        for unknown in (stranger, "same", "same-2", "app/same-1"):
            with pytest.raises(ChildNotFound, match="it has same-1$"):
                await app.stop_child(unknown)
        assert stranger.is_running()
        assert a.is_running()


async def test_children_are_neither_restarted_removed_nor_added_by_hand() -> None:
    """D08: there are no such methods; add_workers() says what there is."""
    async with dynamic() as app:
        for verb in ("restart_child", "remove_child", "add_child"):
            assert not hasattr(app, verb)
        with pytest.raises(FluidValueError, match="start_child"):
            app.add_workers(Breakable())
        assert app.num_workers == 0


@pytest.mark.parametrize("templates", [(), (Idle, Idle)])
def test_a_template_is_one(templates) -> None:
    """I06"""
    with pytest.raises(TypeError):
        DynamicSupervisor(*templates)


@pytest.mark.parametrize("template", [None, 3, "Idle", [Idle]])
def test_what_makes_no_workers_is_no_template(template) -> None:
    """I06"""
    with pytest.raises(FluidValueError, match="neither a worker nor a function"):
        DynamicSupervisor(template)


def test_a_worker_is_no_template() -> None:
    """I06"""
    with pytest.raises(FluidValueError, match="give its class"):
        DynamicSupervisor(Idle())


# --- starts and their limit ----------------------------------------------------------------------


@explored(faults="offered", swept=True)
async def test_a_child_that_fails_to_start_raises_its_error_and_is_not_listed(
    sim: Simulation,
) -> None:
    """S12"""
    error = Planned("no start")

    def make(error: Exception | None) -> Worker:
        return worker_with(startup=error and raising(error))

    app = dynamic(make)
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    well, badly = await end_of(app.start_child(None)), await end_of(app.start_child(error))
    if not sim.schedule.strikes:
        assert (well, badly) == (None, error)
        assert app.num_workers == 1
    await stop_at_last(app)
    lives.assert_all_is_well()


async def test_a_full_supervisor_refuses_and_who_waits_for_a_restart_counts() -> None:
    """D15"""
    async with dynamic(max_children=2, backoff=Backoff(initial=10), max_restarts=2) as app:
        a, b = [await app.start_child(name=name) for name in "ab"]
        a.break_()
        await asyncio.sleep(1)
        assert [child.state.value for child in app.children()] == ["restarting", "running"]
        with pytest.raises(TooManyChildren, match="has 2 children"):
            await app.start_child(name="c")
        await app.stop_child(b)
        await app.start_child(name="c")
        with pytest.raises(TooManyChildren):
            await app.start_child(name="d")


@explored(faults="offered", seeds=20, swept=True)
async def test_there_is_never_one_child_too_many_and_a_place_is_free_again_after_each_end(
    sim: Simulation,
) -> None:
    """D15"""
    app = dynamic(max_children=2, restart="transient")
    lives = Lives(app)
    most = 0

    def look(_: object) -> None:
        nonlocal most
        most = max(most, app.num_workers)

    app.subscribe(look)
    await app.startup()
    starts = [asyncio.ensure_future(app.start_child(name=name)) for name in "abcd"]
    sim.offer("cancel who was first", starts[0].cancel)
    sim.offer("break all", lambda: [child.break_() for child in app.workers()])
    sim.offer("cancel all", lambda: [cancel_task_of(child) for child in app.workers()])
    errors = [await end_of(start) for start in starts]
    assert most <= 2
    refused = sum(isinstance(error, TooManyChildren) for error in errors)
    assert sim.schedule.strikes or (errors.count(None), refused) == (2, 2)
    for child in list(app.workers()):
        child.gracefully_stop()
    await asyncio.sleep(1)
    sim.sometimes("all ended well", not app.num_workers)
    while app.num_workers < 2:
        await end_of(app.start_child(name="e"))  # a fault may strike it, too
    await stop_at_last(app)
    lives.assert_all_is_well()


# --- stops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("grace", "after"), [(1, 1), (inf, 200), (0, 0)])
async def test_at_the_end_of_the_grace_only_who_still_sleeps_is_cut(grace: float, after: float):
    """G03, F01, F02: each by itself, all at the same time."""

    async def sleep(_worker: Worker) -> None:
        await asyncio.sleep(200)

    def make(hook) -> Worker:
        return worker_with(run=hook)

    app = dynamic(make, child_grace_period=grace)
    await app.startup()
    sleepers = [await app.start_child(sleep) for _ in range(10)]
    prompt = await app.start_child(None)
    await app.shutdown()
    assert now() == after
    assert prompt.worker_state is WorkerState.STOPPED or not grace
    cut = WorkerState.STOPPED if grace == inf else WorkerState.FORCE_STOPPED
    assert {sleeper.worker_state for sleeper in sleepers} == {cut}
