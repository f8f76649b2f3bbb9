"""Requests from inside the child that they are about: nobody waits for himself."""

from __future__ import annotations

import asyncio

import pytest

from fluid import DynamicSupervisor, Supervisor, Worker
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, cancel_task_of, stop_at_last
from tests.scenarios.supervised_cast import (
    AT_ONCE,
    Lives,
    Maker,
    makers,
    supervisor_of,
)
from tests.worker.group_cast import end_of

verbs = pytest.mark.parametrize("verb", ["stop_child", "restart_child", "remove_child"])


class Asking(Breakable):
    """Asks its supervisor for something about itself, or about its group, once."""

    def __init__(self, verb: str, place: str, up: int = 0, **options) -> None:
        super().__init__(**options)
        self.verb, self.place, self.up = verb, place, up
        self.answers: list[object] = []

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.place == "on_startup":
            await self.ask()

    async def run(self) -> None:
        if self.place == "run":
            await self.ask()
        elif self.place == "task":
            task = asyncio.ensure_future(self.ask())
            try:
                await super().run()
            finally:
                await task
            return
        await super().run()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        if self.place == "on_shutdown":
            await self.ask()

    async def ask(self) -> None:
        """Asks, the first time that anybody of this name gets here."""
        about: Worker = self
        for _ in range(self.up):
            assert about.worker_parent is not None
            about = about.worker_parent
        app = about.worker_parent
        assert isinstance(app, (Supervisor, DynamicSupervisor))
        if not ASKED:
            ASKED.append(self)
            self.answers.append(await end_of(getattr(app, self.verb)(about)))


ASKED: list[Asking] = []


@pytest.fixture(autouse=True)
def _nobody_has_asked() -> None:
    ASKED.clear()


@verbs
@pytest.mark.parametrize("place", ["on_startup", "run", "task", "on_shutdown"])
async def test_a_child_that_asks_for_something_about_itself_goes_on_at_once(
    verb: str, place: str
) -> None:
    """G11, D11"""
    a, b = Maker("a", Asking, verb=verb, place=place), Maker("b")
    async with supervisor_of(a, b) as app:
        await asyncio.sleep(0.1)
        if place == "on_shutdown":
            a.now.gracefully_stop()
        await asyncio.sleep(1)
        assert [type(answer) for answer in ASKED[0].answers] == [type(None)]
        states = {child.id: child.state.value for child in app.children()}
        assert states.pop("b") == "running"
        assert (
            states
            == {
                "stop_child": {"a": "stopped"},
                "restart_child": {"a": "running"},
                "remove_child": {},
            }[verb]
        )
        assert len(a.made) == 1 + (verb == "restart_child")


@verbs
@explored(faults="offered", seeds=20, swept=True)
async def test_at_whatever_moment_a_child_asks_about_its_own_branch_all_is_well(
    sim: Simulation, verb: str
) -> None:
    """G12, D11: it is inside the supervisor above it, too."""
    ASKED.clear()
    a = Maker("a", Asking, verb=verb, place="run", up=1)
    branch = Maker("branch", lambda name: supervisor_of(a, name=name))
    app = supervisor_of(branch, *makers("b"), strategy="one_for_all")
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    sim.offer("break a", lambda: a.now.break_())
    sim.offer("cancel a", lambda: cancel_task_of(a.now))
    await end_of(app.startup())
    await asyncio.sleep(1)
    assert not ASKED or ASKED[0].answers
    if not sim.schedule.strikes:
        known = [(child.id, child.state.value) for child in app.children()]
        branches = {"stop_child": "stopped", "restart_child": "running"}
        assert known == [
            *((("branch", branches[verb]),) if verb in branches else ()),
            ("b", "running"),
        ]
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("answered", bool(ASKED) and ASKED[0].answers == [None])


@explored(faults="offered", swept=True)
async def test_a_template_child_that_stops_itself_leaves_nothing(sim: Simulation) -> None:
    """D07"""
    ASKED.clear()
    app = DynamicSupervisor(Asking, name="app", backoff=AT_ONCE, max_restarts=1000)
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    await end_of(app.start_child("stop_child", "run", name="child"))
    await asyncio.sleep(1)
    assert not app.num_workers or sim.schedule.strikes
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("asked", bool(ASKED))


@explored(faults="offered", swept=True)
async def test_a_child_that_stops_a_sibling_waits_for_that_end(sim: Simulation) -> None:
    """D11: a sibling is somebody else; two that stop each other both end."""
    ends: list[BaseException | None] = []

    class Mutual(Breakable):
        async def run(self) -> None:
            await asyncio.sleep(0.1)
            app = self.worker_parent
            assert isinstance(app, Supervisor)
            other = "b" if self.worker_name == "a" else "a"
            ends.append(await end_of(app.stop_child(other)))

    app = supervisor_of(Mutual(name="a"), Mutual(name="b"))
    lives = Lives(app)
    sim.offer("stop", app.gracefully_stop)
    await end_of(app.startup())
    await asyncio.sleep(100)
    assert app.is_stopped() or [child.state.value for child in app.children()] == ["stopped"] * 2
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("both", len(ends) == 2)
