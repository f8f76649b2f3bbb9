"""A supervisor that comes back under another one: who is back with it, once, and who is not."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildSpec, Supervisor, Worker
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, stop_at_last
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.group_cast import end_of

all_kinds = pytest.mark.parametrize("kind", ["instance", "factory"])


def given(kind: str, make) -> Worker | Maker:
    """Returns a sub-supervisor as a child is given: itself, or what makes it."""
    return make() if kind == "instance" else make


@all_kinds
@explored(faults="offered")
async def test_when_a_supervisor_gives_up_under_one_for_all_the_static_tree_comes_back(
    sim: Simulation, kind: str
) -> None:
    """T02, W09: and nobody who was added at run time; its history is empty again."""
    a, b = makers("ab")

    def make() -> Supervisor:
        return supervisor_of(ChildSpec(Breakable(name="own")), a, name="sub", max_restarts=1)

    app = supervisor_of(given(kind, make), b, strategy="one_for_all")
    lives = Lives(app)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    sub = next(app.workers())
    if app.is_running():
        await end_of(sub.add_child(Maker("late")))
        for _ in range(4):  # twice with a restart, twice to give up
            await asyncio.sleep(0.01)
            a.now.break_()
            await asyncio.sleep(0.1)
        sub = next(app.workers())
    if app.is_ready() and not sim.schedule.strikes:
        assert (lives.starts["app/sub"], lives.starts["app/b"]) == (3, 3)
        assert (lives.starts["app/sub/a"], lives.starts["app/sub/own"]) == (5, 3)
        assert [worker.worker_name for worker in sub.workers()] == ["own", "a"]
        sim.sometimes("all of it came back")
    await stop_at_last(app)
    lives.assert_all_is_well()


@pytest.mark.parametrize("how", ["removed", "ended", "stopped"])
@all_kinds
async def test_a_child_that_was_declared_comes_back_with_its_supervisor_wherever_it_was(
    how: str, kind: str
) -> None:
    """T02: OTP, too, starts a supervisor with what it was made with."""
    b = Maker("b")
    made: list[Breakable] = []

    def make() -> Supervisor:
        made.append(Breakable(name="a"))
        spec = ChildSpec(made[-1], restart="temporary")
        return supervisor_of(spec, b, name="sub", max_restarts=0)

    async with supervisor_of(given(kind, make)) as app:
        sub = next(app.workers())
        if how == "removed":
            await sub.remove_child("a")
        elif how == "stopped":
            await sub.stop_child("a")
        else:
            made[-1].gracefully_stop()
        await asyncio.sleep(1)
        assert sub.num_workers == 1
        b.now.break_()
        await asyncio.sleep(1)
        sub = next(app.workers())
        assert [worker.worker_path for worker in sub.workers()] == ["app/sub/a", "app/sub/b"]
        assert made[-1].is_ready()
        assert app.children()[0].restarts == 1


async def test_a_factory_that_fails_while_its_supervisor_comes_back_is_asked_again() -> None:
    """T02: nobody is missing in the end."""
    a, fails = Breakable(name="a"), [0, 0]

    def make() -> Worker:
        if fails and (fails.pop() or len(fails) == 0):
            raise OSError("no room")
        return Breakable(name="b")

    inner = supervisor_of(a, name="inner")
    sub = supervisor_of(make, inner, name="sub", max_restarts=0)
    async with supervisor_of(sub) as app:
        fails.append(1)
        next(sub.workers()).break_()
        await asyncio.sleep(0.1)
        next(sub.workers()).break_()
        await asyncio.sleep(1)
        assert app.children()[0].restarts > 1
        assert [worker.worker_name for worker in sub.workers()] == ["b", "inner"]
        assert app.is_ready()
        assert a.is_ready()


@pytest.mark.parametrize("depth", [1, 2, 12])
async def test_who_is_made_for_a_tree_that_comes_back_is_made_once(depth: int) -> None:
    """T02: at whatever depth."""
    a = Maker("a")
    sub = supervisor_of(a, name="sub", max_restarts=0)
    for _ in range(depth):
        sub = supervisor_of(sub, name="sub", max_restarts=0)
    async with supervisor_of(sub) as app:
        await asyncio.sleep(0.1)
        a.now.break_()
        await asyncio.sleep(0.1)
        assert len(a.made) == 2
        assert app.is_ready()
