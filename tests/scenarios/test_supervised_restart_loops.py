"""A child that never comes up again: its supervisor still hears whatever it is asked."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, DynamicSupervisor, Supervisor, Worker
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, stop_at_last
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.group_cast import end_of

SOON = Backoff(initial=0.15, factor=1, jitter=0)


class Doomed(Breakable):
    """Takes a moment to start, and fails from the second time on unless it was mended."""

    starts = 0
    is_mended = False

    async def on_startup(self) -> None:
        await super().on_startup()
        type(self).starts += 1
        await asyncio.sleep(0.1)
        if self.starts > 1 and not self.is_mended:
            raise Planned(self.worker_name)


def doomed(name: str) -> Maker:
    """Returns a maker of workers that count their starts together, and nobody else's."""
    return Maker(name, type("Doomed", (Doomed,), {}))


def states(app: Supervisor) -> list[str]:
    """Returns where the children are, in order."""
    return [child.state.value for child in app.children()]


async def in_a_loop(sim: Simulation, app: Supervisor, b: Maker) -> bool:
    """Starts, breaks ``b``, and lets it fail for a while; returns whether all that came to be."""
    sim.offer("break b", lambda: b.made and b.now.break_())
    sim.offer("stop app", app.gracefully_stop)
    if await end_of(app.startup()) is not None:
        return False
    await asyncio.sleep(0.01)
    b.now.break_()
    await asyncio.sleep(0.8)
    return app.is_running()


@pytest.mark.parametrize(
    ("strategy", "others"),
    [
        ("one_for_one", ["running", "stopped", "running"]),
        ("rest_for_one", ["running", "stopped", "restarting"]),
        ("one_for_all", ["restarting", "stopped", "restarting"]),
    ],
)
@explored(faults="offered", seeds=20)
async def test_a_child_that_fails_again_and_again_can_be_stopped_and_restarted_by_hand(
    sim: Simulation, strategy: str, others: list[str]
) -> None:
    """D11, D12: its stop lets those come up that were to be restarted with it.

    In OTP those stay down, until somebody restarts them.
    """
    a, b, c = Maker("a"), doomed("b"), Maker("c")
    app = supervisor_of(a, b, c, strategy=strategy, backoff=SOON, max_restarts=300)
    lives = Lives(app)
    if await in_a_loop(sim, app, b):
        stopped = asyncio.ensure_future(app.stop_child("b"))
        await asyncio.sleep(0)
        sim.sometimes("it failed again and again", len(b.made) > 3)
        if (error := await end_of(stopped)) is None and app.is_running():
            assert states(app)[1] == "stopped"
            sim.sometimes("others waited", states(app) == others)
            await asyncio.sleep(1)
            assert not app.is_running() or states(app) == ["running", "stopped", "running"]
            b.now.__class__.is_mended = True
            error = await end_of(app.restart_child("b"))
            assert error is not None or b.now.is_ready() or sim.schedule.strikes
        assert error is None or sim.schedule.strikes
    await stop_at_last(app)
    lives.assert_all_is_well()


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
@explored(faults="offered", swept=True)
async def test_a_supervisor_in_a_restart_loop_stops_at_once(sim: Simulation, strategy: str) -> None:
    """D14, G18: OTP-9549. At whatever step of the loop: a stop starts nobody."""
    a, b, c = Maker("a"), doomed("b"), Maker("c")
    app = supervisor_of(a, b, c, strategy=strategy, backoff=SOON, max_restarts=300)
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    if await end_of(app.startup()) is None:
        await asyncio.sleep(0.01)
        b.now.break_()
        await asyncio.sleep(0.5)
    await stop_at_last(app)
    lives.assert_all_is_well()
    assert lives.ended_at <= lives.stopping_at + 0.2
    sim.sometimes("stopped in the loop", b.made[-1].starts > 1)


async def test_a_stop_ends_the_wait_for_a_restart_at_once() -> None:
    """G18"""
    (a,) = makers("a")
    loop = asyncio.get_running_loop()
    app = supervisor_of(a, backoff=Backoff(initial=1000, maximum=1000), max_restarts=0, period=1)
    app.set_limits(max_restarts=1, period=2000)
    await app.startup()
    a.now.break_()
    await asyncio.sleep(10)
    assert states(app) == ["restarting"]
    await app.shutdown()
    assert loop.time() == 10
    await asyncio.sleep(5000)
    assert len(a.made) == 1


@explored(faults="offered", swept=True)
async def test_a_template_child_that_fails_again_and_again_can_be_stopped_alone(
    sim: Simulation,
) -> None:
    """D13, D14: the other one does not notice."""
    kind = type("Doomed", (Doomed,), {})

    def make(name: str) -> Worker:
        return kind(name=name) if name == "b" else Breakable(name=name)

    app = DynamicSupervisor(make, name="app", backoff=SOON, max_restarts=300)
    lives = Lives(app)
    sim.offer("stop app", app.gracefully_stop)
    await end_of(app.startup())
    a, b = [await _child(app, name) for name in "ab"]
    if a is not None and b is not None:
        await asyncio.sleep(0.01)
        b.break_()
        await asyncio.sleep(0.8)
        error = await end_of(app.stop_child("b-2"))
        assert error is None or sim.schedule.strikes
        if app.is_running():
            assert [child.worker for child in app.children()] == [a]
            assert a.is_ready()
    sim.sometimes("it was in the loop", kind.starts > 3)
    await stop_at_last(app)
    lives.assert_all_is_well()


async def _child(app: DynamicSupervisor, name: str) -> Breakable | None:
    """Starts a child; returns it if it runs."""
    return None if await end_of(app.start_child(name)) else list(app.workers())[-1]
