"""The window of a restart limit: which clock it runs on, and which time does not age it."""

from __future__ import annotations

import asyncio
import logging
from math import inf

import pytest

from fluid import DynamicSupervisor, Supervisor, SupervisorGaveUp, Worker
from fluid.rules.limit import RestartLimit
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, stop_at_last
from tests.scenarios.supervised_cast import AT_ONCE, Maker, supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

YEAR = 365 * 86_400.0


class Slow(Breakable):
    """Takes so many seconds to start, and to clean up; it may fail to start after that."""

    cleanup_period = 60

    def __init__(
        self, *, start: float = 0.0, cleanup: float = 0.0, in_vain: bool = False, **options
    ) -> None:
        super().__init__(**options)
        self.start, self.cleanup, self.in_vain = start, cleanup, in_vain

    async def on_startup(self) -> None:
        await super().on_startup()
        await asyncio.sleep(self.start)
        if self.in_vain:
            raise Planned("start")

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await asyncio.sleep(self.cleanup)


class Crashing(Slow):
    """Crashes after so many seconds."""

    def __init__(self, *, after: float = 0.0, **options) -> None:
        super().__init__(**options)
        self.after = after

    async def run(self) -> None:
        if await self.sleep(self.after):
            raise Planned("again")


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [YEAR, -YEAR])
@explored(faults=("wall-forward", "wall-back"))
async def test_window_is_not_moved_by_the_time_of_day(sim: Simulation, step: float) -> None:
    """W07"""
    a = Maker("a")
    app = supervisor_of(a, max_restarts=2, period=60)
    await app.startup()
    for _ in range(3):
        await asyncio.sleep(10)
        assert app.is_ready()
        a.now.break_()
        sim.loop.wall.step(step)
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert now() < 31


async def test_machine_that_slept_has_not_aged_the_window_nor_brought_it_to_its_end() -> None:
    """W08: the loop's clock stands still meanwhile, and so does the window."""
    a = Maker("a")
    wall = asyncio.get_running_loop().wall
    app = supervisor_of(a, max_restarts=2, period=60)
    await app.startup()
    for seconds_until_next in (10, 70, 10, 10, 1):
        await asyncio.sleep(1)
        assert app.is_ready()
        a.now.break_()
        wall.suspend(3600)
        await asyncio.sleep(seconds_until_next)
    assert app.is_stopped()  # three within a minute; the first two were long ago
    assert isinstance(await stop_at_last(app), SupervisorGaveUp)


def test_limit_remembers_no_more_than_it_needs() -> None:
    """W11: twelve days of restarts, one in five seconds."""
    limit: RestartLimit[int] = RestartLimit(20, 60)
    assert all(limit.admit(5.0 * number, number) for number in range(200_000))
    assert len(limit.history) == 13


class Brief(Worker):
    """Returns after a hundred seconds."""

    async def run(self) -> None:
        await self.sleep(100)


@pytest.mark.lazy_only("it is about memory and time")
@pytest.mark.virtual(horizon=YEAR)
async def test_supervisor_restarts_for_days_and_remembers_minutes_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """W11"""
    caplog.set_level(logging.CRITICAL, "fluid")
    async with supervisor_of(Brief(name="a"), max_restarts=5, period=300) as app:
        await asyncio.sleep(2_000 * 100 + 50)
        assert app.is_ready()
        (child,) = app.children()
        assert child.restarts == 2_000
        assert len(app._worker.limit.history) == 4


# --- time that does not count --------------------------------------------------------------------


def a_slow_stop() -> Supervisor:
    return Supervisor(Crashing(name="a", cleanup=20))


def a_slow_start_in_vain() -> Supervisor:
    class Failing(Crashing):
        async def on_startup(self) -> None:
            self.in_vain = self.start == 20
            await super().on_startup()
            self.start = 20

    return Supervisor(Failing(name="a"))


def a_slow_stop_of_another() -> Supervisor:
    a, b = Crashing(name="a", after=1), Slow(name="b", cleanup=20)
    return Supervisor(a, b, strategy="one_for_all")


def slow_stops_of_two() -> Supervisor:
    return Supervisor(Crashing(name="a", cleanup=20), Crashing(name="b", after=5, cleanup=20))


@pytest.mark.parametrize(
    "tree", [a_slow_stop, a_slow_start_in_vain, a_slow_stop_of_another, slow_stops_of_two]
)
async def test_child_that_crashes_at_once_is_given_up_however_slow(tree) -> None:
    """W02, W04: five restarts, with the default limits; the seconds are no good reason for more."""
    app = tree()
    await app.startup()
    async with asyncio.timeout(400):
        error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert len(error.history) == 6
    assert now() > 60


async def test_child_that_runs_well_for_a_while_each_time_is_not_given_up() -> None:
    """W01: with the default limits, and a stop that takes as long again."""
    app = Supervisor(Crashing(name="a", after=20, cleanup=20))
    await app.startup()
    await asyncio.sleep(7200)
    assert app.is_running()
    await stop_at_last(app)


async def test_stops_that_no_restart_waits_for_do_not_keep_the_window_open() -> None:
    """W01: children that end well, one after the other, and one that crashes now and then."""
    app = DynamicSupervisor(Crashing, restart="transient", backoff=AT_ONCE)
    async with app:
        await app.start_child(name="b", after=100.0)
        for _ in range(1000):
            child = await app.start_child(after=inf, cleanup=1.0)
            child.gracefully_stop()
            await end_of(child.wait_for_shutdown())
        assert app.is_ready()
