"""Restarts that fail are tried again, and one end is followed by one restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fluid import Worker
from fluid.events import RestartScheduled
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, cancel_task_of, stop_at_last
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    faults_of_supervised,
    supervisor_of,
)
from tests.worker.fakes import forever, raising, worker_with
from tests.worker.group_cast import end_of


class Scripted:
    """A factory of which each call does what the script says; the last line holds from then on."""

    def __init__(self, *script: Callable[[], object]) -> None:
        self.__name__ = "a"
        self._script = script
        self.calls = 0

    def __call__(self) -> Worker:
        self.calls += 1
        return self._script[min(self.calls, len(self._script)) - 1]()  # type: ignore[return-value]


def _fails() -> Worker:
    raise Planned("in the factory")


def _does_not_start() -> Worker:
    return worker_with(name="a", startup=raising(Planned("in the start")))


def _does_not_get_ready() -> Worker:
    worker = worker_with(name="a", startup=forever)
    worker.start_timeout = 5
    return worker


@explored(seeds=20)
async def test_restart_that_fails_in_any_way_is_tried_again() -> None:
    """P23: in fluid a start cannot decline; a factory that returns None has failed."""
    good = Maker("a")
    child = Scripted(
        good,
        _fails,
        lambda: None,
        _does_not_start,
        _does_not_get_ready,
        lambda: good.now,
        good,
    )
    app = supervisor_of(child)
    lives = Lives(app)
    causes: list[str] = []
    app.subscribe(
        lambda event: (
            causes.append(event.end.cause) if isinstance(event, RestartScheduled) else None
        )
    )
    await app.startup()
    await asyncio.sleep(1)
    good.now.break_()
    await asyncio.sleep(10)
    assert good.now.is_ready()
    assert child.calls == 7
    assert len(good.made) == 2
    assert app.children()[0].restarts == 6
    assert [cause.partition("(")[0].strip() for cause in causes] == [
        "failed",
        "could not be made",
        "could not be made",
        "failed",
        "failed",
        "could not be made",
    ]
    await stop_at_last(app)
    lives.assert_all_is_well()


NOTICES = {
    "raises": Breakable.break_,
    "is stopped": Breakable.gracefully_stop,
    "is forced": lambda child: child._worker.force(),
    "is cancelled": cancel_task_of,
}


@explored(seeds=80)
async def test_child_that_dies_of_two_causes_is_restarted_once(sim: Simulation) -> None:
    """P24"""
    child = Maker("a", Breakable)
    app = supervisor_of(child)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    first, pick = child.now, sim.random()
    NOTICES[pick.choice([*NOTICES])](first)
    for _ in range(pick.randrange(3)):
        await asyncio.sleep(0)
    sim.sometimes("the second cause comes too late", first.is_stopped())
    NOTICES[pick.choice([*NOTICES])](first)
    await asyncio.sleep(1)
    assert lives.starts["app/a"] == len(child.made) == 2
    assert lives.scheduled["app/a"] == 1
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(seeds=20, faults="offered", swept=True, pairs=10)
async def test_restart_asked_for_while_the_child_dies_is_the_same_restart(sim: Simulation) -> None:
    """P24: the user and the supervisor want the same, and it is done once."""
    child = Maker("a")
    app = supervisor_of(child)
    lives = Lives(app)
    faults_of_supervised(sim, app, child)
    await end_of(app.startup())
    await asyncio.sleep(1)
    first = child.now
    first.break_()
    for _ in range(sim.random().randrange(4)):
        await asyncio.sleep(0)
    sim.sometimes("the supervisor was first", lives.scheduled["app/a"] == 1)
    sim.sometimes("the user was first", lives.scheduled["app/a"] == 0)
    came_too_late = child.now is not first
    sim.sometimes("there was no need any more", came_too_late)
    await end_of(app.restart_child("a"))
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        assert child.now.is_ready()
        assert lives.starts["app/a"] == 2 + came_too_late
    await stop_at_last(app)
    lives.assert_all_is_well()
    assert lives.scheduled["app/a"] <= lives.ends["app/a"]
