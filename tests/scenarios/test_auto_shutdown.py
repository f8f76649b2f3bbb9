"""Significant children: whose end by themselves is their supervisor's, and whose is not."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildSpec, FluidValueError, Supervisor, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import cancel_task_of, stop_at_last
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    faults_of_supervised,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of, ends_of

ENDS = {
    "returns": lambda worker: worker.gracefully_stop(),
    "fails": lambda worker: worker.break_(),
    "is cancelled": cancel_task_of,
    "is forced": lambda worker: worker._worker.force(),
}

modes = pytest.mark.parametrize("mode", ["never", "any_significant", "all_significant"])
any_or_all = pytest.mark.parametrize("mode", ["any_significant", "all_significant"])
restarts = pytest.mark.parametrize("restart", ["transient", "temporary"])
how_it_ends = pytest.mark.parametrize("how", ENDS)


def significant(worker: Maker, restart: str = "transient") -> ChildSpec:
    """Returns a specification of a child that matters."""
    return ChildSpec(worker, restart=restart, significant=True)


@how_it_ends
@modes
@restarts
async def test_the_end_of_a_child_that_is_not_significant_is_not_that_of_its_supervisor(
    restart: str, mode: str, how: str
) -> None:
    """T06"""
    a, b, c = makers("abc")
    others = [] if mode == "never" else [significant(c)]
    app = supervisor_of(ChildSpec(a, restart=restart), b, *others, auto_shutdown=mode)
    async with app:
        await asyncio.sleep(1)
        ENDS[how](a.now)
        await asyncio.sleep(1)
        assert app.is_running()
        assert b.now.is_ready()


@how_it_ends
@any_or_all
@restarts
async def test_a_significant_child_that_ends_for_good_ends_its_supervisor_in_reverse_order(
    restart: str, mode: str, how: str
) -> None:
    """P26, T09: one of one is any, and all. Without an error, however the child itself ended."""
    a, b, c = makers("abc")
    app = supervisor_of(a, significant(b, restart), c, auto_shutdown=mode)
    ends = ends_of(app)
    await app.startup()
    await asyncio.sleep(1)
    ENDS[how](b.now)
    await asyncio.sleep(1)
    if restart == "transient" and how in ("fails", "is cancelled"):
        assert b.now.is_ready()
        await app.shutdown()
        return
    assert app.worker_state is WorkerState.STOPPED
    assert ends == ["app/b", "app/c", "app/a", "app"]
    await app.wait_for_shutdown()


@any_or_all
@explored(faults="offered", seeds=10, swept=True)
async def test_with_all_significant_the_last_of_them_counts_with_any_the_first(
    sim: Simulation, mode: str
) -> None:
    """T09, P26"""
    a, b, c = makers("abc")
    app = supervisor_of(significant(a), b, significant(c, "temporary"), auto_shutdown=mode)
    lives = Lives(app)
    faults_of_supervised(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.gracefully_stop()
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        assert app.is_running() == (mode == "all_significant")
    if c.made:
        c.now.gracefully_stop()
    await asyncio.sleep(1)
    assert app.is_stopped() or sim.schedule.strikes
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("one came back before it ended for good", lives.starts["app/a"] > 1)


@pytest.mark.parametrize("verb", ["stop_child", "remove_child", "restart_child"])
@any_or_all
@restarts
async def test_a_significant_child_that_was_taken_down_on_request_does_not_end_its_supervisor(
    restart: str, mode: str, verb: str
) -> None:
    """P26"""
    a, b = makers("ab")
    async with supervisor_of(significant(a, restart), b, auto_shutdown=mode) as app:
        await asyncio.sleep(1)
        await getattr(app, verb)("a")
        await asyncio.sleep(1)
        assert app.is_running()
        assert b.now.is_ready()


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
@any_or_all
@restarts
@explored(seeds=10)
async def test_who_ends_because_a_sibling_is_restarted_has_not_ended_by_itself(
    sim: Simulation, restart: str, mode: str, strategy: str
) -> None:
    """T07"""
    a, b, c = makers("abc")
    app = supervisor_of(a, significant(b, restart), c, strategy=strategy, auto_shutdown=mode)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(0.1)
    a.now.break_()
    await asyncio.sleep(1)
    assert app.is_running()
    assert a.now.is_ready()
    assert c.now.is_ready()
    is_bystander = strategy != "one_for_one"
    assert len(b.made) == 1 + (is_bystander and restart == "transient")
    assert app.num_workers == (2 if is_bystander and restart == "temporary" else 3)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("it was restarted with others", len(c.made) == 1 + is_bystander)


@pytest.mark.parametrize("is_significant", [True, False])
@explored(faults="offered", swept=True)
async def test_an_end_goes_up_through_a_supervisor_that_is_significant_itself_and_no_other(
    sim: Simulation, *, is_significant: bool
) -> None:
    """T08"""
    a, b = makers("ab")

    def make() -> Supervisor:
        return supervisor_of(significant(a), name="sub", auto_shutdown="any_significant")

    sub = ChildSpec(make, id="sub", restart="transient", significant=is_significant)
    others = [] if is_significant else [significant(Maker("c"))]
    app = supervisor_of(b, sub, *others, auto_shutdown="any_significant")
    lives = Lives(app)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("cancel sub", lambda: cancel_task_of(a.now.worker_parent or app))
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.gracefully_stop()
    await asyncio.sleep(1)
    assert lives.ends["app/sub"] >= 1 or sim.schedule.strikes
    assert app.is_stopped() == is_significant or sim.schedule.strikes
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("it came back before", lives.starts["app/sub/a"] > 1)


@pytest.mark.parametrize("restart", ["permanent", "transient"])
def test_a_significant_child_that_could_have_no_effect_is_refused(restart: str) -> None:
    """I03: who is always restarted never ends, and some supervisors never end with anybody."""
    a = Maker("a")
    with pytest.raises(FluidValueError, match="significant"):
        Supervisor(ChildSpec(a, restart=restart, significant=True), name="app")
    assert not a.made
