"""In the middle of a crash loop: whatever is asked is answered between two attempts."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Supervisor, Worker
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, stop_at_last
from tests.scenarios.restart_cast import InVain, states_of
from tests.scenarios.supervised_cast import Lives, Maker, supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import let_pass


class Unmakeable(Maker):
    """Makes one worker, and then raises until it is mended."""

    is_mended = False

    def __call__(self) -> Worker:
        if self.made and not self.is_mended:
            raise Planned("not made")
        return super().__call__()


class Unstartable(InVain):
    """Makes one worker that starts, and then none until it is mended."""

    is_mended = False

    def __init__(self, name: str) -> None:
        super().__init__(name, lambda number: number > 1 and not self.is_mended)


LOOPS = pytest.mark.parametrize("kind", [Unmakeable, Unstartable])
STRATEGIES = pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])


async def in_a_loop(app: Supervisor, child: Maker) -> None:
    """Starts a supervisor, and brings it into a loop of restarts without a pause."""
    await app.startup()
    await asyncio.sleep(1)
    child.now.break_()
    await let_pass(30)
    while app.children()[0].restarts <= 2:
        await asyncio.sleep(0)


@STRATEGIES
@LOOPS
@explored(seeds=8)
async def test_requests_are_answered_at_once_in_the_middle_of_a_crash_loop(
    kind: type[Unmakeable | Unstartable], strategy: str
) -> None:
    """W12: no attempt has a pause before it, and still nobody waits for the last of them."""
    a, b, c = kind("a"), Maker("b"), Maker("c")
    app = supervisor_of(a, b, c, strategy=strategy)
    lives = Lives(app)
    await in_a_loop(app, a)
    asked_at = now()
    assert set(await app.status()) == {"a", "b", "c"}
    assert app.count_children().specs == 3
    assert not app.is_ready()
    await app.stop_child("b")
    assert states_of(app)["b"] == "stopped"
    await app.remove_child("c")
    assert app.count_children().specs == 2
    await app.stop_child("a")
    assert states_of(app) == {"a": "stopped", "b": "stopped"}
    assert now() - asked_at < 0.1
    a.is_mended = True
    assert await app.restart_child("a") is a.now
    assert states_of(app) == {"a": "running", "b": "stopped"}
    await stop_at_last(app)
    lives.assert_all_is_well()


@LOOPS
@explored(seeds=8)
async def test_crash_loop_ends_when_its_child_is_removed(
    kind: type[Unmakeable | Unstartable],
) -> None:
    """W12"""
    a, b = kind("a"), Maker("b")
    app = supervisor_of(a, b)
    lives = Lives(app)
    await in_a_loop(app, a)
    added = await app.add_child(Maker("c"))
    assert added.is_ready()
    await app.remove_child("a")
    assert states_of(app) == {"b": "running", "c": "running"}
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@STRATEGIES
@LOOPS
@explored(seeds=8)
async def test_crash_loop_ends_when_its_supervisor_is_stopped(
    kind: type[Unmakeable | Unstartable], strategy: str
) -> None:
    """W12"""
    a, b = kind("a"), Maker("b")
    app = supervisor_of(a, b, strategy=strategy)
    lives = Lives(app)
    await in_a_loop(app, a)
    asked_at = now()
    await stop_at_last(app)
    assert now() - asked_at < 0.1
    lives.assert_all_is_well()


@explored(seeds=8)
async def test_crash_loop_of_one_child_holds_up_no_other(sim: Simulation) -> None:
    """W12: another one that dies is restarted meanwhile."""
    a, b = Unstartable("a"), Maker("b")
    app = supervisor_of(a, b)
    lives = Lives(app)
    await in_a_loop(app, a)
    b.now.break_()
    await let_pass(40)
    assert len(b.made) == 2
    assert b.now.is_ready()
    await app.remove_child("a")
    await stop_at_last(app)
    lives.assert_all_is_well()
