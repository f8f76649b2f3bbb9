"""Who is restarted with a child that died: each strategy, in its order, and when it is over."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from fluid import ChildSpec, DynamicSupervisor, SupervisorGaveUp
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, stop_at_last
from tests.scenarios.restart_cast import (
    InVain,
    all_but_the_first,
    few_faults,
    history_of,
    since,
    states_of,
)
from tests.scenarios.supervised_cast import (
    AT_ONCE,
    FOR_EVER,
    Lives,
    Maker,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of

WITH_IT = {
    "one_for_one": "end b, start b",
    "one_for_all": "end b, end c, end a, start a, start b, start c",
    "rest_for_one": "end b, end c, start b, start c",
}
"""What happens when the middle one of three dies."""


@pytest.mark.parametrize("strategy", WITH_IT)
@explored(seeds=20)
async def test_child_that_dies_is_restarted_with_those_its_strategy_names(strategy: str) -> None:
    """P06, P08, P11: last in, first out; then in order, and nobody else."""
    a, b, c = makers("abc")
    app = supervisor_of(a, b, c, strategy=strategy)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.break_()
    await asyncio.sleep(1)
    assert since(lives, 3) == WITH_IT[strategy]
    for child in (a, b, c):
        assert child.now.is_ready()
        assert all(before.is_stopped() for before in child.made[:-1])
    assert app.is_ready()
    await stop_at_last(app)
    assert history_of(lives)[-3:] == ["end c", "end b", "end a"]
    lives.assert_all_is_well()


@pytest.mark.parametrize("strategy", WITH_IT)
@explored(seeds=20)
async def test_children_die_once_too_often_and_the_supervisor_with_all_of_them(strategy: str):
    """P06, P08, P11"""
    a, b, c = makers("abc")
    app = supervisor_of(a, b, c, strategy=strategy, max_restarts=2)
    lives = Lives(app)
    await app.startup()
    for _ in range(3):
        await asyncio.sleep(1)
        assert app.is_ready()
        b.now.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert error.child == "app/b"
    assert lives.starts["app/b"] == len(b.made) == 3
    lives.assert_all_is_well()


@pytest.mark.parametrize("strategy", WITH_IT)
@explored(seeds=20)
async def test_child_whose_restart_always_fails_takes_its_supervisor_down(strategy: str) -> None:
    """P07, P09, P12: with it go those that were up again, and those that never went down."""
    a, c = makers("ac")
    b = InVain("b", all_but_the_first)
    app = supervisor_of(a, b, c, strategy=strategy, max_restarts=3)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert str(error.__cause__) == "start 4 of b"
    assert not any(worker.is_ready() for child in (a, b, c) for worker in child.made)
    lives.assert_all_is_well()


@explored(seeds=20)
async def test_one_for_all_begins_anew_when_a_later_child_fails_to_start() -> None:
    """P10: the first is up again by then; it is stopped, and both are started."""
    a = Maker("a")
    b = InVain("b", lambda number: number == 2)
    app = supervisor_of(a, b, strategy="one_for_all")
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    in_vain = "start a, start b, end b"
    assert since(lives, 2) == f"end a, end b, {in_vain}, end a, start a, start b"
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(seeds=20)
async def test_rest_for_one_goes_on_where_it_was_when_a_later_child_fails_to_start() -> None:
    """P13: who is up again stays up."""
    a, b = makers("ab")
    c = InVain("c", lambda number: number == 2)
    app = supervisor_of(a, b, c, strategy="rest_for_one")
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    b.now.break_()
    await asyncio.sleep(1)
    assert since(lives, 3) == "end b, end c, start b, start c, end c, start c"
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@explored(seeds=20, faults="offered", swept=True, pairs=10)
async def test_temporary_child_that_goes_down_with_others_does_not_come_back(
    sim: Simulation, strategy: str
) -> None:
    """P16"""
    a, b, c = makers("abc")
    app = supervisor_of(a, ChildSpec(b, restart="temporary"), c, strategy=strategy)
    lives = Lives(app)
    few_faults(sim, app, b)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        assert states_of(app) == {"a": "running", "c": "running"}
        assert since(lives, 3) == "end a, end c, end b, start a, start c"
    await stop_at_last(app)
    assert lives.starts["app/b"] <= 1
    assert lives.scheduled["app/b"] == 0
    lives.assert_all_is_well()


# --- a supervisor with a template ----------------------------------------------------------------


class Connection(Breakable):
    """Is made for a host, and cannot start as long as that is down."""

    down: ClassVar[set[str]] = set()

    def __init__(self, host: str, *, port: int = 80) -> None:
        super().__init__(name=host)
        self.host, self.port = host, port

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.host in self.down:
            raise ConnectionError(self.host)


def connections(kind: type[Connection], **options: int) -> DynamicSupervisor[..., Connection]:
    return DynamicSupervisor(kind, name="app", backoff=AT_ONCE, seed=0, **options)


@explored(seeds=20, faults="offered", swept=True, pairs=10)
async def test_child_of_a_template_is_restarted_alone_and_with_its_own_arguments(
    sim: Simulation,
) -> None:
    """P14"""
    app = connections(Connection, max_restarts=FOR_EVER)
    lives = Lives(app)
    sim.offer("stop app", app.gracefully_stop)
    await end_of(app.startup())
    await end_of(app.start_child("one"))
    await end_of(app.start_child("two", port=443))
    await asyncio.sleep(1)
    before = [child.worker for child in app.children()]
    if before:
        before[-1].break_()
    await asyncio.sleep(1)
    if not sim.schedule.strikes:
        one, two = (child.worker for child in app.children())
        assert one is before[0]
        assert two is not before[1]
        assert (two.host, two.port) == ("two", 443)
        assert since(lives, 2) == "end two-2, start two-2"
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(seeds=20)
async def test_child_of_a_template_that_never_starts_again_takes_its_supervisor_down() -> None:
    """P15"""

    class Broken(Connection):
        down: ClassVar[set[str]] = set()

    app = connections(Broken, max_restarts=3)
    lives = Lives(app)
    await app.startup()
    one, two = await app.start_child("one"), await app.start_child("two")
    await asyncio.sleep(1)
    Broken.down.add("two")
    two.break_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert isinstance(error.__cause__, ConnectionError)
    assert (error.child, len(error.history)) == ("app/two-2", 4)
    assert one.is_stopped()
    lives.assert_all_is_well()
