"""Children that return, fail to start or fall silent, and what their supervisor makes of it."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf

import pytest

from fluid import (
    Backoff,
    ChildSpec,
    DynamicSupervisor,
    FluidValueError,
    HeartbeatLostError,
    Supervisor,
    events,
)
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, stop_at_last
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


def end(maker: Maker) -> None:
    """Makes ``run`` return at its present await, as if it had nothing left to do."""
    if maker.made and (future := getattr(maker.now, "breaks", None)) and not future.done():
        future.set_result(None)


@pytest.mark.parametrize(
    ("restart", "states"),
    [("permanent", ["running"]), ("transient", ["stopped"]), ("temporary", [])],
)
@explored(faults="offered", swept=True, pairs=20)
async def test_a_child_that_returns_is_restarted_kept_or_dropped_as_its_policy_says(
    sim: Simulation, restart: str, states: list[str]
) -> None:
    """N01, N02, N03, N04: and its supervisor outlives it, though it was the last one."""
    (a,) = makers("a")
    app = supervisor_of(ChildSpec(a, restart=restart))
    lives = Lives(app)
    sim.offer("it returns", lambda: end(a))
    await end_of(app.startup())
    await asyncio.sleep(1)
    end(a)
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        assert [child.state.value for child in app.children()] == states
        assert lives.starts["app/a"] == 1 + (restart == "permanent")
    assert app.is_running()
    sim.sometimes("by the policy", [child.state.value for child in app.children()] == states)
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_restart_by_hand_that_fails_raises_the_error_and_the_place_stays(
    sim: Simulation,
) -> None:
    """S11"""
    error = Planned("not again")

    class Fails(Breakable):
        async def on_startup(self) -> None:
            await super().on_startup()
            await asyncio.sleep(0.1)
            if len(a.made) > 1:
                raise error

    a, b = Maker("a", Fails), Maker("b")
    app = supervisor_of(a, b)
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    if await end_of(app.startup()) is None and await end_of(app.stop_child("a")) is None:
        raised = await end_of(app.restart_child("a"))
        assert raised is error or sim.schedule.strikes
        if app.is_running():
            shown = {child.id: child.state.value for child in app.children()}
            assert shown == {"a": "stopped", "b": "running"}
            assert app.children()[0].last_error == "failed (Planned: not again)"
            sim.sometimes("it stayed down")
    await stop_at_last(app)
    lives.assert_all_is_well()
    assert len(a.made) <= 2


@explored(faults="offered", seeds=80)
async def test_a_branch_can_be_stopped_and_its_siblings_do_not_notice(sim: Simulation) -> None:
    """G22: as a whole, and it comes back as a whole."""
    a, b, c = makers("abc")
    branch = supervisor_of(a, b, name="branch")
    app = supervisor_of(branch, supervisor_of(c, name="other"))
    lives = Lives(app)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("break b", lambda: b.made and b.now.break_())
    await end_of(app.startup())
    await app.stop_child(branch)
    assert branch.is_stopped()
    assert a.now.is_stopped()
    assert b.now.is_stopped()
    await asyncio.sleep(1)
    assert not app.is_ready()
    again = await app.restart_child("branch")
    assert again.is_ready() or sim.schedule.strikes
    await asyncio.sleep(1)
    assert app.is_ready() or sim.schedule.strikes
    assert (len(c.made), lives.starts["app/other"], lives.starts["app/branch"]) == (1, 1, 2)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("restarted within", len(a.made) > 2)


@pytest.mark.parametrize("backoff", [Backoff(initial=0), Backoff(initial=0.2, jitter=0)], ids=str)
@explored(faults="offered", swept=True, pairs=20)
async def test_a_crash_takes_the_readiness_away_until_the_child_is_back(
    sim: Simulation, backoff: Backoff
) -> None:
    """H02: each time at a time that is not before the last."""
    a, b = makers("ab")
    app = supervisor_of(a, b, backoff=backoff, max_restarts=5)
    seen: list[tuple[float, bool]] = []

    def look(event: events.WorkerEvent) -> None:
        assert app.is_ready() <= all(child.worker.is_ready() for child in app.children())
        if not seen or seen[-1][1] != app.is_ready():
            seen.append((event.at, app.is_ready()))

    app.subscribe(look)
    sim.offer("break b", lambda: b.made and b.now.break_())
    await end_of(app.startup())
    await asyncio.sleep(0.1)
    a.now.break_()
    await end_of(app.wait_ready())
    assert app.is_ready() or sim.schedule.strikes
    await asyncio.sleep(2)
    await stop_at_last(app)
    look(events.WorkerEvent("app", now()))
    times = [at for at, _ in seen]
    assert times == sorted(times)
    assert [ready for _, ready in seen] == [False, True] * (len(seen) // 2) + [False]
    sim.sometimes("away and back", len(seen) >= 5)


class Silent(Breakable):
    """Says for three seconds that it goes on, and then hangs."""

    async def run(self) -> None:
        for _ in range(3):
            await self.sleep(1)
            self.beat()
        await super().run()


async def test_a_child_that_falls_silent_has_failed_and_that_counts() -> None:
    """H06: against the limit, like any other failure."""
    a = Maker("a", Silent)
    app = supervisor_of(ChildSpec(a, heartbeat_timeout=2), max_restarts=1)
    said: list[events.WorkerEvent] = []
    app.subscribe(said.append)
    await app.startup()
    error = await end_of(app.wait_for_shutdown())
    assert now() == 10
    assert isinstance(error.__cause__, HeartbeatLostError)
    kinds = [type(event) for event in said]
    assert kinds.count(events.HeartbeatLost) == 2
    assert kinds.count(events.RestartScheduled) == kinds.count(events.GaveUp) == 1


@explored(faults="offered", swept=True)
async def test_a_watched_child_that_is_stopped_or_has_ended_is_watched_no_more(
    sim: Simulation,
) -> None:
    """H06"""
    a = Maker("a", Silent)
    app = supervisor_of(ChildSpec(a, heartbeat_timeout=2))
    lives = Lives(app)
    sim.offer("stop", lambda: a.now.gracefully_stop())
    sim.offer("break", lambda: a.now.break_())
    await end_of(app.startup())
    await asyncio.sleep(2.5)
    await end_of(app.stop_child("a"))
    lost = lives.order("HeartbeatLost")
    await asyncio.sleep(100)
    assert lives.order("HeartbeatLost") == lost == []
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("restarted meanwhile", len(a.made) > 1)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "one_for_some"},
        {"strategy": None},
        {"strategy": "ONE_FOR_ONE"},
        {"auto_shutdown": True},
        {"max_restarts": -1},
        {"max_restarts": 2.0},
        {"max_restarts": True},
        {"period": 0},
        {"period": -1},
        {"period": inf},
        {"period": "60"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [Supervisor, partial(DynamicSupervisor, Breakable)])
def test_a_strategy_or_a_limit_that_makes_no_sense_is_refused(kind, options) -> None:
    """I05: by its name and value. A template has no strategy to choose."""
    ((name, value),) = options.items()
    if name == "strategy" and kind is not Supervisor:
        with pytest.raises(TypeError):
            kind(**options)
        return
    with pytest.raises(FluidValueError, match=name) as raised:
        kind(**options)
    assert repr(value) in str(raised.value)
