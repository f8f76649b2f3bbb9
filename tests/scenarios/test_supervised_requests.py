"""Requests to a supervisor: every one against every other, at any step, in any strategy."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import Backoff, ChildSpec, FluidValueError, SupervisorGaveUp, WorkerCancelled
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, cancel_task_of, stop_at_last
from tests.scenarios.request_cast import Requests
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.group_cast import end_of

strategies = pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])


class Slow(Breakable):
    """Takes its time to start and to clean up."""

    async def on_startup(self) -> None:
        await super().on_startup()
        await asyncio.sleep(0.1)

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await asyncio.sleep(0.1)


@strategies
@explored(faults="offered", swept=True, pairs=60)
async def test_whatever_is_asked_at_any_moment_is_answered_and_leaves_no_child_behind(
    sim: Simulation, strategy: str
) -> None:
    """D06, D11, D14, D16, D17, D22"""
    a, b = Maker("a", Slow), Maker("b")
    app = supervisor_of(a, b, strategy=strategy)
    lives, requests = Lives(app), Requests(sim, app, "a")
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("cancel a", lambda: cancel_task_of(a.now))
    await end_of(app.startup())
    await asyncio.sleep(1)
    states = await requests.settled()
    was_running = app.is_running()
    added = len(requests.answers("add"))
    await stop_at_last(app)
    await requests.assert_all_were_answered()
    lives.assert_all_is_well()
    if was_running:
        assert states["b"] == "running"
        assert len(states) == 1 + ("a" in states) + added
    sim.sometimes("added", was_running and added > 0)
    sim.sometimes("removed", was_running and "a" not in states)
    sim.sometimes("stopped", states.get("a") == "stopped")
    sim.sometimes("refused", any(requests.errors()))


@explored(faults="offered", swept=True, pairs=60)
async def test_a_child_that_is_added_during_a_stop_is_stopped_too_or_was_never_added(
    sim: Simulation,
) -> None:
    """D16, G21"""
    added = Maker("added", Slow)
    app = supervisor_of(*makers("a"))
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    error = await end_of(app.add_child(added))
    assert error is not None or added.now.has_started()
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("stopped while it started", bool(added.made) and error is not None)
    sim.sometimes("refused", not added.made)
    for worker in added.made:
        assert worker.is_stopped() or not worker.has_started()


@explored(faults="offered", swept=True, pairs=60)
async def test_who_adds_a_child_and_is_cancelled_leaves_none(sim: Simulation) -> None:
    """D16: neither a place nor a life."""
    added = Maker("added", Slow)
    app = supervisor_of()
    lives = Lives(app)
    await app.startup()
    adding = asyncio.ensure_future(app.add_child(added))
    sim.offer("cancel who adds", adding.cancel)
    error = await end_of(adding)
    await asyncio.sleep(1)
    assert app.num_workers == (error is None)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("cancelled", error is not None and bool(added.made))


@pytest.mark.parametrize("verb", ["add_child", "restart_child"])
@explored()
async def test_a_cancel_of_a_childs_start_does_not_look_like_one_of_who_asked_for_it(
    sim: Simulation, verb: str
) -> None:
    """D11, C20: the supervisor raises WorkerCancelled from it, as every group does."""
    slow = Maker("slow", Slow)
    app = supervisor_of()
    await app.startup()
    if verb == "restart_child":
        await app.add_child(ChildSpec(slow, restart="transient"))
        await app.stop_child("slow")
    asking = asyncio.ensure_future(getattr(app, verb)("slow" if verb == "restart_child" else slow))
    await asyncio.sleep(0.05)
    cancel_task_of(slow.now)
    error = await end_of(asking)
    assert isinstance(error, WorkerCancelled)
    assert isinstance(error.__cause__, asyncio.CancelledError)
    await app.shutdown()
    sim.sometimes("it was cancelled")


@pytest.mark.parametrize("verb", ["stop_child", "remove_child", "restart_child"])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
@explored(faults="offered", seeds=10, swept=True)
async def test_what_is_asked_of_a_child_during_the_first_start_does_not_fail_that(
    sim: Simulation, strategy: str, verb: str
) -> None:
    """D11: who is stopped has not failed."""
    a, b = Maker("a", Slow), Maker("b", Slow)
    app = supervisor_of(a, b, strategy=strategy)
    lives = Lives(app)
    starting = asyncio.ensure_future(app.startup())
    requests = Requests(sim, app, "a", verb)
    error = await end_of(starting)
    assert error is None
    await asyncio.sleep(1)
    states = {child.id: child.state.value for child in app.children()}
    assert states["b"] == "running"
    await stop_at_last(app)
    await requests.assert_all_were_answered()
    lives.assert_all_is_well()
    sim.sometimes("it was starting", bool(requests.answers(verb)))


async def test_who_stops_a_child_is_answered_though_somebody_else_restarts_it_meanwhile() -> None:
    """D11: the end that was asked for has come, though the child is up again by then."""
    slow = Maker("slow", Slow)
    async with supervisor_of(slow) as app:
        stop = asyncio.ensure_future(app.stop_child("slow"))
        await asyncio.sleep(0.05)
        restart = asyncio.ensure_future(app.restart_child("slow"))
        await asyncio.sleep(0.1)
        assert stop.result() is slow.made[0].worker_exit
        assert await restart is slow.made[1]


@pytest.mark.parametrize(
    "limits",
    [
        {"max_restarts": -1},
        {"max_restarts": 1.5, "period": 10},
        {"max_restarts": 3, "period": 0},
        {"period": inf},
        {"period": 0.1},
        {"max_restarts": 1000},
    ],
    ids=str,
)
async def test_limits_that_cannot_work_are_refused_as_a_whole(limits) -> None:
    """D22: of what OTP's code changes can change, the limits. The last two need the back-off."""
    a, b = makers("ab")
    app = supervisor_of(a, b, backoff=Backoff(jitter=0), max_restarts=2, period=60)
    await app.startup()
    with pytest.raises(FluidValueError):
        app.set_limits(**limits)
    for _ in range(2):
        b.now.break_()
        await asyncio.sleep(5)
    assert b.now.is_ready()
    b.now.break_()
    assert isinstance(await end_of(app.wait_for_shutdown()), SupervisorGaveUp)
    assert len(a.made) == 1


@pytest.mark.parametrize(("limits", "restarts"), [({"max_restarts": 3}, 3), ({"period": 4}, 9)])
async def test_new_limits_hold_from_now_on_and_neither_start_nor_stop_anybody(
    limits, restarts: int
) -> None:
    """D22: what was counted before still counts."""
    a, b = makers("ab")
    app = supervisor_of(a, b, max_restarts=1, period=60)
    await app.startup()
    a.now.break_()
    await asyncio.sleep(5)
    made = [*a.made, *b.made]
    app.set_limits(**limits)
    await asyncio.sleep(5)
    assert [*a.made, *b.made] == made
    for _ in range(1, restarts):
        a.now.break_()
        await asyncio.sleep(5)
        assert a.now.is_ready()
    if restarts == 3:
        a.now.break_()
        await asyncio.sleep(5)
    assert app.is_running() == (restarts > 3)
    await end_of(app.shutdown())
