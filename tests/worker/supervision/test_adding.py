"""Adding children: who would wait for ever is told, and who was not added is nowhere."""

from __future__ import annotations

import asyncio

import pytest

from fluid import DynamicSupervisor, GroupClosed, WorkerDeadlockError, WorkerStartError
from tests.scenarios.cast import Breakable
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.worker.fakes import Recorded, worker_with
from tests.worker.group_cast import end_of


class Adding(Recorded):
    """Adds a child to its own supervisor in its start, and waits for that."""

    refused: BaseException | None = None

    async def on_startup(self) -> None:
        await super().on_startup()
        app = self.worker_parent
        self.refused = await end_of(app.add_child(Breakable(name=f"of {self.worker_name}")))


async def test_waiting_in_a_first_start_for_a_child_that_comes_after_it_is_refused() -> None:
    adding = Adding(name="adding")
    async with supervisor_of(adding, Breakable(name="b")) as app:
        assert isinstance(adding.refused, WorkerDeadlockError)
        assert "others start after it" in str(adding.refused)
        assert [child.id for child in app.children()] == ["adding", "b"]


async def test_what_does_not_wait_may_be_added_there() -> None:
    late = Breakable(name="late")
    adding = worker_with(
        name="adding", startup=lambda worker: _add_without_waiting(worker.worker_parent, late)
    )
    async with supervisor_of(adding) as app:
        assert late.is_ready()
        assert [child.id for child in app.children()] == ["adding", "late"]


async def _add_without_waiting(app, late) -> None:
    app.add_workers(late)


async def test_in_a_restart_it_is_refused_only_where_it_would_have_to_wait() -> None:
    for strategy, is_refused in ("one_for_one", False), ("rest_for_one", True):
        adding = Maker("adding", Adding)
        async with supervisor_of(Breakable(name="first"), strategy=strategy) as app:
            await app.add_child(adding)
            adding.now.gracefully_stop()
            await asyncio.sleep(1)
            assert len(adding.made) == 2
            assert isinstance(adding.now.refused, WorkerDeadlockError) is is_refused
            assert app.is_ready()


async def test_a_child_whose_turn_never_came_has_no_place_and_may_go_elsewhere() -> None:
    new, broken = Breakable(name="new"), Maker("broken")
    app = supervisor_of(broken, strategy="one_for_all", backoff=None, max_restarts=5)
    async with app:
        await asyncio.sleep(1)
        broken.now.break_()
        await asyncio.sleep(0.1)
        adding = asyncio.ensure_future(app.add_child(new))
        await asyncio.sleep(0.1)
        assert [child.state for child in app.children()] == ["restarting", "waiting"]
    with pytest.raises(WorkerStartError, match="its supervisor is stopping"):
        await adding
    assert [child.id for child in app.children()] == ["broken"]
    async with supervisor_of(new):
        assert new.is_ready()


async def test_limits_can_be_read_and_say_what_is_left() -> None:
    child = Maker("child")
    app = supervisor_of(child, max_restarts=3, period=60)
    assert app.limits() == (3, 60, 3)
    async with app:
        await asyncio.sleep(1)
        child.now.break_()
        await asyncio.sleep(1)
        assert app.limits() == (3, 60, 2)
        app.set_limits(max_restarts=5, period=30)
        assert app.limits() == (5, 30, 4)
        await asyncio.sleep(31)
        assert app.limits() == (5, 30, 5)


class Late(Breakable):
    """Has a ``startup()`` of its own, which takes its time before it begins."""

    async def startup(self) -> None:
        await asyncio.sleep(0.2)
        await super().startup()


async def test_a_stop_takes_along_who_is_in_a_startup_of_its_own() -> None:
    """It was dropped as if its turn had never come, and the supervisor waited for it for ever."""
    app = supervisor_of(Breakable(name="a"))
    await app.startup()
    adding = asyncio.ensure_future(app.add_child(Late(name="late")))
    await asyncio.sleep(0.1)
    await app.shutdown()
    assert isinstance(await end_of(adding), WorkerStartError)
    assert app.is_stopped()


async def test_a_restart_of_who_comes_after_the_caller_is_refused_in_its_start() -> None:
    refused: list[BaseException | None] = []

    async def restart_the_next(worker) -> None:
        refused.append(await end_of(worker.worker_parent.restart_child("next")))

    first = worker_with(name="first", startup=restart_the_next)
    async with supervisor_of(first, Breakable(name="next")):
        assert [type(error) for error in refused] == [WorkerDeadlockError]


async def test_before_its_children_a_supervisor_says_that_it_has_not_begun() -> None:
    class Eager(DynamicSupervisor):
        async def on_startup(self) -> None:
            await self.start_child()

    app = Eager(Breakable, name="app")
    with pytest.raises(GroupClosed, match="'app' has not begun to start its children"):
        await app.startup()
