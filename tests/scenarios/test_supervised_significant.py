"""A supervisor that ends with its significant children, and with no stop that was asked of it."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildSpec, DynamicSupervisor, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, stop_at_last
from tests.scenarios.restart_cast import few_faults, since
from tests.scenarios.supervised_cast import (
    Lives,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of

NOT_PERMANENT = pytest.mark.parametrize("restart", ["transient", "temporary"])


@NOT_PERMANENT
@explored(seeds=15)
async def test_supervisor_ends_when_a_significant_child_has_ended(restart: str) -> None:
    """P26: the others stop in reverse, and nobody calls it a failure."""
    a, b, c = makers("abc")
    app = supervisor_of(
        a, ChildSpec(b, restart=restart, significant=True), c, auto_shutdown="any_significant"
    )
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.breaks.set_result(None)
    await app.wait_for_shutdown()
    assert app.worker_state is WorkerState.STOPPED
    assert since(lives, 3) == "end b, end c, end a"
    lives.assert_all_is_well()


@explored(seeds=15)
async def test_supervisor_of_a_template_ends_when_a_significant_child_has_ended() -> None:
    """P26"""
    app = DynamicSupervisor(
        Breakable, restart="transient", significant=True, auto_shutdown="any_significant"
    )
    lives = Lives(app)
    await app.startup()
    one, two = await app.start_child(name="one"), await app.start_child(name="two")
    await asyncio.sleep(1)
    one.breaks.set_result(None)
    await app.wait_for_shutdown()
    assert app.worker_state is two.worker_state is WorkerState.STOPPED
    lives.assert_all_is_well()


@pytest.mark.parametrize("verb", ["stop_child", "remove_child"])
@NOT_PERMANENT
@explored(seeds=15)
async def test_supervisor_goes_on_when_it_was_told_to_stop_a_significant_child(
    restart: str, verb: str
) -> None:
    """P26"""
    a, b = makers("ab")
    app = supervisor_of(
        a, ChildSpec(b, restart=restart, significant=True), auto_shutdown="any_significant"
    )
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    await getattr(app, verb)("b")
    await asyncio.sleep(1)
    assert app.is_ready()
    assert since(lives, 2) == "end b"
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_significant_child_that_is_restarted_has_not_ended(sim: Simulation) -> None:
    """P26: a transient child that failed comes back; it ends when it ends well, at any step."""
    a, b = makers("ab")
    app = supervisor_of(
        a, ChildSpec(b, restart="transient", significant=True), auto_shutdown="any_significant"
    )
    lives = Lives(app)
    few_faults(sim, app, b)
    await end_of(app.startup())
    await asyncio.sleep(1)
    b.now.break_()
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        assert app.is_ready()
        assert lives.starts["app/b"] == 2
    b.now.gracefully_stop()
    await asyncio.sleep(1)
    assert app.is_stopped() or sim.schedule.strikes
    await stop_at_last(app)
    lives.assert_all_is_well()
