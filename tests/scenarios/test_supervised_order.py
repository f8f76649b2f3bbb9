"""Who starts after whom and who ends before whom, and that events tell it in that order."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from fluid import Workers
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, stop_at_last
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    faults_of_supervised,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of, ends_of, history_of

ENDS = {"WorkerStopped", "WorkerForceStopped", "WorkerFailed"}

NEXT: dict[str, set[str]] = {
    "": {"WorkerStarted"},
    "WorkerStarted": {"WorkerReady", "WorkerStopping"},
    "WorkerReady": {"WorkerStopping"},
    "WorkerStopping": ENDS,
    **{end: {"RestartScheduled", "WorkerStarted"} for end in ENDS},
    "RestartScheduled": {"WorkerStarted"},
}
"""What may follow what in the events of one child."""


class Slow(Breakable):
    """Takes its time to start and to clean up; the first in the alphabet longest."""

    @property
    def _takes(self) -> float:
        return (ord("z") - ord(self.worker_name[0])) / 100

    async def on_startup(self) -> None:
        await super().on_startup()
        await asyncio.sleep(self._takes)

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await asyncio.sleep(self._takes)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
@explored(seeds=15)
async def test_children_start_in_order_each_when_the_last_is_ready_and_stop_in_reverse(
    sim: Simulation, strategy: str
) -> None:
    """O01: the order in which they were given, not that of their names."""
    names = "dbeac"
    app = supervisor_of(*makers(names, kind=Slow), strategy=strategy)
    history = history_of(app, "start", "ready", "stopped")
    await app.startup()
    await app.shutdown()
    ups = [f"{verb} app/{name}" for name in names for verb in ("start", "ready")]
    downs = [f"stopped app/{name}" for name in reversed(names)]
    assert history == ["start app", *ups, "ready app", *downs, "stopped app"]
    sim.sometimes("it ran")


@pytest.mark.parametrize(
    ("strategy", "broken", "restarted"),
    [("rest_for_one", "b", "eac"), ("one_for_all", "b", "deac"), ("rest_for_one", "d", "beac")],
)
@explored(seeds=15)
async def test_a_restart_stops_in_reverse_and_starts_in_the_order_of_addition(
    sim: Simulation, strategy: str, broken: str, restarted: str
) -> None:
    """O02, O03: those who were added at run time come last, however early they were restarted."""
    declared = makers("dbe", kind=Slow)
    app = supervisor_of(*declared, strategy=strategy)
    history = history_of(app, "start", "ready", "stopped")
    await app.startup()
    for late in makers("ac", kind=Slow):
        await app.add_child(late)
    await app.restart_child("e")
    await asyncio.sleep(0.1)
    history.clear()
    next(maker for maker in declared if maker.__name__ == broken).now.break_()
    await asyncio.sleep(5)
    up = sorted({*restarted, broken}, key="dbeac".index)
    downs = [f"stopped app/{name}" for name in reversed(restarted)]
    ups = [f"{verb} app/{name}" for name in up for verb in ("start", "ready")]
    assert history == [*downs, *ups]
    await app.shutdown()
    sim.sometimes("it ran")


@explored(faults="offered", swept=True)
async def test_the_events_of_each_child_are_those_of_one_life_after_the_other(
    sim: Simulation,
) -> None:
    """O05: they have no numbers of their own, and none is missing or comes late."""
    a, b, c = makers("abc")
    app = supervisor_of(a, b, c, strategy="rest_for_one")
    lives = Lives(app)
    faults_of_supervised(sim, app, b)
    sim.offer("restart c", lambda: c.made and _ask(sim, app.restart_child("c")))
    await end_of(app.startup())
    await asyncio.sleep(1)
    await stop_at_last(app)
    of_each: defaultdict[str, list[str]] = defaultdict(lambda: [""])
    for kind, path in lives.log:
        if kind in NEXT:
            before = of_each[path][-1]
            assert kind in NEXT[before], (path, of_each[path], kind)
            of_each[path].append(kind)
    last = {*ENDS, "RestartScheduled"}  # which a stop may have overtaken
    assert all(told[-1] in last for told in of_each.values()), dict(of_each)
    lives.assert_all_is_well()
    sim.sometimes("restarted", of_each["app/c"].count("WorkerStarted") > 1)


def _ask(sim: Simulation, request) -> None:
    sim.loop.create_task(end_of(request))


@explored(faults="offered", seeds=80)
async def test_a_group_is_told_to_have_ended_after_everybody_below_it(sim: Simulation) -> None:
    """O06: in each of its lives."""
    a, b = makers("ab")
    sub = Maker("sub", lambda name: supervisor_of(a, name=name, max_restarts=1))
    app = supervisor_of(sub, b)
    lives = Lives(app)
    faults_of_supervised(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    await stop_at_last(app)
    below = 0
    for kind, path in lives.log:
        if path == "app/sub/a":
            below += (kind == "WorkerStarted") - (kind in ENDS)
        elif path in ("app/sub", "app") and kind in ENDS:
            assert not below, lives.log
    lives.assert_all_is_well()
    sim.sometimes("sub was restarted", lives.starts["app/sub"] > 1)


@explored(faults="offered", swept=True)
async def test_subtrees_that_stop_together_keep_their_own_order_each(sim: Simulation) -> None:
    """O07: a plain group stops its children at the same time."""
    left = supervisor_of(*makers("abc", kind=Slow), name="left")
    right = supervisor_of(*makers("def", kind=Slow), name="right")
    app = Workers(left, right, name="app")
    ends = ends_of(app)
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    await stop_at_last(app)
    for side, names in (("left", "cba"), ("right", "fed")):
        mine = [path.rpartition("/")[2] for path in ends if f"/{side}/" in path]
        assert mine == [name for name in names if name in mine]
    between = [path.split("/")[1] for path in ends[:-1]]
    sim.sometimes("side by side", sorted(between) not in (between, between[::-1]))
