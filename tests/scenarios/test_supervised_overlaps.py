"""Deaths on top of each other: restarts are merged, begin again in order, and never overlap."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, ChildSpec
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, stop_at_last
from tests.scenarios.restart_cast import InVain, few_faults, since, states_of
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of

TEN_SECONDS = Backoff(initial=10, factor=1, jitter=0)

STRATEGIES = pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])


@explored(seeds=20)
async def test_death_while_a_later_child_waits_for_its_back_off_joins_that_restart() -> None:
    """P19"""
    a, b, c = makers("abc")
    app = supervisor_of(
        a, b, c, strategy="rest_for_one", backoff=TEN_SECONDS, max_restarts=5, period=600
    )
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.break_()
    await asyncio.sleep(5)
    assert states_of(app) == {"a": "running", "b": "restarting", "c": "restarting"}
    a.now.break_()
    await asyncio.sleep(9.5)
    assert since(lives, 3) == "end b, end c, end a"  # the wait is that of the last death
    await asyncio.sleep(1)
    assert since(lives, 6) == "start a, start b, start c"
    assert lives.scheduled == {"app/a": 1, "app/b": 1}
    await stop_at_last(app)
    lives.assert_all_is_well()


async def test_longest_of_the_waits_holds_for_all_whose_restart_is_one() -> None:
    """P19"""
    a, b = Maker("a"), Maker("b")
    patient = ChildSpec(b, backoff=Backoff(initial=20, maximum=20, jitter=0))
    quick = ChildSpec(a, backoff=Backoff(initial=1, jitter=0))
    app = supervisor_of(quick, patient, strategy="rest_for_one", max_restarts=2, period=600)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.break_()
    await asyncio.sleep(5)
    a.now.break_()
    await asyncio.sleep(14.5)
    assert since(lives, 2) == "end b, end a"
    await asyncio.sleep(1)
    assert since(lives, 4) == "start a, start b"
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(seeds=20)
async def test_deaths_in_one_instant_are_one_restart_of_all(sim: Simulation) -> None:
    """P19: with one_for_all nobody is left to die later; each death counts, as in OTP."""
    a, b, c = makers("abc")
    app = supervisor_of(
        a, b, c, strategy="one_for_all", backoff=TEN_SECONDS, max_restarts=5, period=600
    )
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    for child in sim.random().sample((a, b, c), 3):
        child.now.break_()
        for _ in range(sim.random().randrange(3)):
            await asyncio.sleep(0)
    await asyncio.sleep(15)
    assert since(lives, 6) == "start a, start b, start c"
    assert all(count == 1 for count in lives.scheduled.values())
    sim.sometimes("all of them died by themselves", lives.scheduled.total() == 3)
    sim.sometimes("some were stopped before they could", lives.scheduled.total() < 3)
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(seeds=20, faults="offered", swept=True, pairs=10)
async def test_child_that_dies_again_before_its_siblings_are_up_begins_the_restart_anew(
    sim: Simulation,
) -> None:
    """P21"""
    a, b = Maker("a"), InVain("b", lambda _: False, start_takes=2.0)
    app = supervisor_of(a, b, strategy="one_for_all")
    lives = Lives(app)
    few_faults(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(5)
    if not sim.schedule.strikes:
        assert since(lives, 2) == ", ".join(["end a, end b, start a, start b"] * 2)
        assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


# --- no two at a time ----------------------------------------------------------------------------


class Port:
    """Belongs to one at a time."""

    def __init__(self) -> None:
        self.owner: object = None
        self.times_taken = 0


class Server(Breakable):
    """Holds a port from its start to the end of its cleanup, which takes three seconds."""

    def __init__(self, port: Port, **options) -> None:
        super().__init__(**options)
        self.port = port

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.port.owner is not None:
            raise OSError("address already in use")
        self.port.owner = self
        self.port.times_taken += 1

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        try:
            await asyncio.sleep(3)
        finally:
            self.port.owner = None


@STRATEGIES
@explored(seeds=10, faults="offered", swept=True, pairs=10)
async def test_next_incarnation_starts_when_the_cleanup_of_the_last_is_over(
    sim: Simulation, strategy: str
) -> None:
    """P22"""
    port = Port()
    a, b = Maker("a", Server, port=port), Maker("b")
    app = supervisor_of(a, b, strategy=strategy)
    lives = Lives(app)
    few_faults(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    await end_of(app.restart_child("a"))  # in the middle of that cleanup
    await asyncio.sleep(5)
    error = await stop_at_last(app)
    lives.assert_all_is_well()
    assert port.owner is None
    assert "OSError" not in repr((error, [child.last_error for child in app.children()]))
    if not sim.schedule.strikes:
        assert port.times_taken == lives.starts["app/a"] == 2
