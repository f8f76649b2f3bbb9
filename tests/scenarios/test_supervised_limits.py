"""How many restarts are too many, what counts as one, and what comes after the last."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildSpec, Supervisor, SupervisorGaveUp, Workers, WorkerState
from fluid.events import GaveUp, RestartScheduled, WorkerEvent
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, stop_at_last
from tests.scenarios.restart_cast import InVain, all_but_the_first, few_faults
from tests.scenarios.supervised_cast import AT_ONCE, Lives, Maker, makers, supervisor_of
from tests.worker.group_cast import end_of


async def break_at(child: Maker, *instants: float) -> None:
    """Breaks a child at these instants of the loop's clock."""
    loop = asyncio.get_running_loop()
    for instant in instants:
        await asyncio.sleep(instant - loop.time())
        child.now.break_()
    await asyncio.sleep(0.1)


# --- the window ----------------------------------------------------------------------------------


async def test_deaths_far_enough_apart_go_on_for_ever() -> None:
    """W01"""
    a = Maker("a")
    async with supervisor_of(a, max_restarts=1, period=1) as app:
        await break_at(a, 2.1, 4.2, 6.3, 8.4)
        assert app.is_ready()
        assert len(a.made) == 5


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
@explored(seeds=20)
async def test_as_many_deaths_as_are_allowed_are_survived_and_one_more_is_not(
    sim: Simulation, strategy: str
) -> None:
    """W02: whoever dies, and however close together; all children are counted as one."""
    children = makers("abc")
    app = supervisor_of(*children, strategy=strategy, max_restarts=4, period=60)
    lives = Lives(app)
    await app.startup()
    pick = sim.random()
    for _ in range(4):
        await asyncio.sleep(pick.choice([0.1, 5]))
        pick.choice(children).now.break_()
    await asyncio.sleep(1)
    assert app.is_ready()
    last = pick.choice(children)
    last.now.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert "gave up: after 4 restarts within 60 seconds" in str(error)
    assert error.child == f"app/{last.__name__}"
    assert [end.path for end in error.history][-1] == error.child
    assert len(error.history) == 5
    assert isinstance(error.__cause__, Planned)
    assert app.worker_state is WorkerState.FAILED
    assert not any(worker.is_running() for child in children for worker in child.made)
    lives.assert_all_is_well()


@pytest.mark.parametrize(("after", "survives"), [(3.75, False), (4.0, False), (4.25, True)])
async def test_death_exactly_a_period_ago_still_counts(after: float, survives: bool) -> None:
    """W03: as in OTP."""
    a = Maker("a")
    app = supervisor_of(a, max_restarts=1, period=4)
    await app.startup()
    await break_at(a, 1, 1 + after)
    assert app.is_ready() is survives
    await stop_at_last(app)


@explored(seeds=20)
async def test_each_restart_that_fails_counts() -> None:
    """W04: the death, then a start in vain for each restart that was allowed."""
    a = InVain("a", all_but_the_first)
    app = supervisor_of(a, max_restarts=5)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    a.now.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert [end.cause for end in error.history] == [
        "failed (Planned: a)",
        *(f"failed (Planned: start {number} of a)" for number in range(2, 7)),
    ]
    assert [end.uptime is None for end in error.history] == [False, *[True] * 5]
    assert str(error.__cause__) == "start 6 of a"
    lives.assert_all_is_well()


@explored(seeds=20)
async def test_limit_of_zero_allows_no_restart() -> None:
    """W05: but those who end well and need no restart are no reason to give up."""
    a, b = makers("ab")
    app = supervisor_of(a, ChildSpec(b, restart="transient"), max_restarts=0)
    lives = Lives(app)
    await app.startup()
    await app.stop_child("b")
    await app.restart_child("b")
    await asyncio.sleep(1)
    assert app.is_ready()
    a.now.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert len(a.made) == len(error.history) == 1
    lives.assert_all_is_well()


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@explored(seeds=10)
async def test_restart_of_ten_children_for_the_sake_of_one_counts_once(strategy: str) -> None:
    """W06"""
    children = makers("abcdefghij")
    app = supervisor_of(*children, strategy=strategy, max_restarts=2)
    left: list[int] = []
    app.subscribe(
        lambda event: left.append(event.left) if isinstance(event, RestartScheduled) else None
    )
    await app.startup()
    for _ in range(2):
        await asyncio.sleep(1)
        children[0].now.break_()
    await asyncio.sleep(1)
    assert app.is_ready()
    assert left == [1, 0]
    assert [len(child.made) for child in children] == [3] * 10
    await stop_at_last(app)


# --- after the last ------------------------------------------------------------------------------


class Inner(Supervisor):
    """A supervisor of two, that gives up with the third death in a minute."""

    def __init__(self, a: Maker, b: Maker, *, name: str = "inner", max_restarts: int = 2) -> None:
        super().__init__(a, b, name=name, max_restarts=max_restarts, backoff=AT_ONCE)


MADE_ANEW = pytest.mark.parametrize("is_new", [True, False], ids=["made anew", "put back to INIT"])


def inner_of(a: Maker, b: Maker, *, is_new: bool, **options: int) -> Inner | Maker:
    """Returns what an outer supervisor is given: the inner one, or what makes it."""
    return Maker("inner", Inner, a=a, b=b, **options) if is_new else Inner(a, b, **options)


@MADE_ANEW
@explored(seeds=15)
async def test_supervisor_that_gave_up_is_restarted_with_all_its_children_and_no_past(
    is_new: bool,
) -> None:
    """W09: its own supervisor sees one failure; after that there is room for as many again."""
    a, b, c = makers("abc")
    app = supervisor_of(inner_of(a, b, is_new=is_new), c, max_restarts=5)
    lives = Lives(app)
    gave_up: list[GaveUp] = []

    def note(event: WorkerEvent) -> None:
        if isinstance(event, GaveUp):
            gave_up.append(event)

    app.subscribe(note)
    await app.startup()
    for _ in range(8):
        await asyncio.sleep(1)
        a.now.break_()
    await asyncio.sleep(1)
    assert app.is_ready()
    assert [len(event.history) for event in gave_up] == [3, 3]
    assert [event.child for event in gave_up] == ["app/inner/a"] * 2
    assert lives.scheduled == {"app/inner": 2, "app/inner/a": 6}
    assert lives.starts["app/inner/b"] == 3
    assert lives.starts["app/c"] == 1
    await stop_at_last(app)
    lives.assert_all_is_well()


@MADE_ANEW
@explored(seeds=5, faults="offered", swept=True)
async def test_whatever_strikes_meanwhile_nobody_in_that_subtree_lives_twice(
    sim: Simulation, is_new: bool
) -> None:
    """W09"""
    a, b = makers("ab")
    app = supervisor_of(inner_of(a, b, is_new=is_new, max_restarts=0))
    lives = Lives(app)
    few_faults(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("started twice in vain", lives.starts["app/inner"] > 2)


@explored(seeds=20)
async def test_group_above_is_told_why_a_supervisor_gave_up() -> None:
    """W02, W09: it is an error like any other, that says which child and how often."""
    a, b = makers("ab")
    group = Workers(Inner(a, b), name="group")
    await group.startup()
    for _ in range(3):
        await asyncio.sleep(1)
        a.now.break_()
    error = await end_of(group.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert (error.path, error.child) == ("group/inner", "group/inner/a")
    assert str(error.__cause__) == "a"
    assert b.now.is_stopped()
