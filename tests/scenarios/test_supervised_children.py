"""Children of a supervisor, asked for by their ids: added, stopped, restarted, removed, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fluid import (
    Backoff,
    ChildExists,
    ChildNotFound,
    ChildSpec,
    GroupClosed,
    Supervisor,
    Worker,
    Workers,
)
from fluid.testing import Simulation
from fluid.worker.slot import RESTARTING
from fluid.worker.supervision import ChildCounts
from tests.exploring import explored
from tests.scenarios.cast import Breakable, cancel_task_of, stop_at_last
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.group_cast import Idle, end_of

REQUESTS: dict[str, Callable[[Supervisor], Awaitable[object]]] = {
    "add": lambda app: app.add_child(Idle(name="late")),
    "stop": lambda app: app.stop_child("a"),
    "restart": lambda app: app.restart_child("a"),
    "remove": lambda app: app.remove_child("a"),
}


def states(app: Supervisor) -> dict[str, str]:
    """Returns where each child is, by its id."""
    return {child.id: child.state.value for child in app.children()}


async def test_an_id_that_runs_is_refused_and_the_error_has_its_worker() -> None:
    """D01"""
    first, second = makers("ab")
    async with supervisor_of(ChildSpec(first, id="one")) as app:
        with pytest.raises(ChildExists, match="it is running") as raised:
            await app.add_child(ChildSpec(second, id="one"))
        assert raised.value.worker is first.now
        assert not second.made
        assert states(app) == {"one": "running"}


async def test_an_id_whose_worker_is_stopped_is_refused_until_it_is_removed() -> None:
    """D02"""
    first, second = makers("ab")
    async with supervisor_of(ChildSpec(first, id="one")) as app:
        await app.stop_child("one")
        with pytest.raises(ChildExists, match="it is stopped") as raised:
            await app.add_child(ChildSpec(second, id="one"))
        assert raised.value.worker is first.now
        await app.remove_child("one")
        assert await app.add_child(ChildSpec(second, id="one")) is second.now
        assert states(app) == {"one": "running"}


async def test_who_is_not_a_child_is_not_found_and_not_touched() -> None:
    """D03, D04, D05"""
    stranger = Breakable(name="a")
    async with stranger, supervisor_of(*makers("a")) as app:
        for verb in (app.stop_child, app.restart_child, app.remove_child):
            for unknown in ("b", "", "app/a", stranger):
                with pytest.raises(ChildNotFound, match="it has a$"):
                    await verb(unknown)
        assert stranger.is_running()
        assert states(app) == {"a": "running"}


async def test_who_is_stopped_twice_has_one_end() -> None:
    """D03"""
    (a,) = makers("a")
    async with supervisor_of(a) as app:
        record = await app.stop_child("a")
        assert record is not None
        assert record is await app.stop_child("a")
        assert record is await app.stop_child(a.now)
        assert record is a.now.worker_exit
        assert states(app) == {"a": "stopped"}
        assert len(a.made) == 1


async def test_a_child_that_runs_is_stopped_before_it_is_restarted() -> None:
    """D04: OTP refuses that; here it is one request, so that nobody has to make two of it."""
    (a,) = makers("a")
    async with supervisor_of(a) as app:
        assert await app.restart_child("a") is a.now
        before, after = a.made
        assert before.diary[-1] == ("normal shutdown", 0)
        assert after.is_ready()
        assert app.children()[0].restarts == 1


async def test_a_child_that_runs_is_stopped_before_it_is_removed_and_is_not_known_after() -> None:
    """D05: OTP refuses that, too."""
    a, b = makers("ab")
    async with supervisor_of(a, b) as app:
        record = await app.remove_child("a")
        assert record is not None
        assert record is a.now.worker_exit
        assert states(app) == {"b": "running"}
        await app.stop_child("b")
        assert await app.remove_child("b") is b.now.worker_exit
        for gone in ("a", "b", a.now):
            with pytest.raises(ChildNotFound, match="it has none"):
                await app.restart_child(gone)


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_a_supervisor_that_does_not_run_refuses_at_once_and_still_tells(
    request_name: str,
) -> None:
    """D06"""
    request = REQUESTS[request_name]
    app = supervisor_of(*makers("a"))
    with pytest.raises(GroupClosed, match="'app' is init"):
        await request(app)
    await app.startup()
    app.gracefully_stop()
    with pytest.raises(GroupClosed, match="'app' is stopping"):
        await request(app)
    await app.wait_for_shutdown()
    with pytest.raises(GroupClosed, match="'app' is stopped"):
        await request(app)
    assert states(app) == {"a": "stopped"}
    assert app.count_children() == ChildCounts(specs=1, active=0, groups=0, workers=1)


@pytest.mark.parametrize("number", [0, 1, 100, 200])
async def test_the_numbers_of_children_are_exact_and_the_same_each_time(number: int) -> None:
    """D09"""
    workers = [Idle(name="one name") for _ in range(number)]
    groups = [Workers(name="group"), Supervisor(Idle(), name="supervisor")]
    async with supervisor_of(*workers, *groups) as app:
        everybody = ChildCounts(specs=number + 2, active=number + 2, groups=2, workers=number)
        assert app.count_children() == app.count_children() == everybody
        for child in [*workers[::2], groups[1]]:
            await app.stop_child(child)
        down = len(workers[::2]) + 1
        fewer = everybody._replace(active=number + 2 - down)
        assert app.count_children() == app.count_children() == fewer
        assert len(app.children()) == number + 2


@explored(faults="offered", swept=True)
async def test_numbers_and_list_agree_at_any_moment_and_who_waits_is_not_active(
    sim: Simulation,
) -> None:
    """D10"""
    a, b = makers("ab")
    app = supervisor_of(a, b, backoff=Backoff(), max_restarts=5)
    lives = Lives(app)
    seen: set[str] = set()

    def look(_: object = None) -> None:
        counts, children = app.count_children(), app.children()
        active = [child for child in children if child.state in ("starting", "running", "stopping")]
        assert counts == ChildCounts(specs=2, active=len(active), groups=0, workers=2)
        for child in children:
            assert (child.restart_in is None) or child.state is RESTARTING
            assert child.worker.worker_exit or child.state is not RESTARTING
        seen.update(child.state.value for child in children)

    app.subscribe(look)
    for maker in (a, b):
        sim.offer(f"break {maker.__name__}", lambda maker=maker: maker.now.break_())
        sim.offer(f"cancel {maker.__name__}", lambda maker=maker: cancel_task_of(maker.now))
    sim.offer("look", look)
    await end_of(app.startup())
    for _ in range(4):
        await asyncio.sleep(0.2)
        look()
    await stop_at_last(app)
    look()
    sim.sometimes("seen while it waited for its restart", "restarting" in seen)
    lives.assert_all_is_well()


@explored(faults="offered", swept=True, pairs=40)
async def test_of_many_who_add_one_id_exactly_one_wins(sim: Simulation) -> None:
    """D17"""
    app = supervisor_of()
    lives = Lives(app)
    late = makers("abcde")
    adding: list[asyncio.Task[Worker]] = []
    sim.offer("stop", app.gracefully_stop)
    sim.offer("cancel who was first", lambda: adding and adding[0].cancel())
    await end_of(app.startup())
    adding += [asyncio.ensure_future(app.add_child(ChildSpec(one, id="id"))) for one in late]
    errors = [await end_of(task) for task in adding]
    made = [one for one in late if one.made]
    if not sim.schedule.strikes:
        assert errors.count(None) == len(made) == 1
        (winner,) = made
        assert {error.worker for error in errors if isinstance(error, ChildExists)} == {winner.now}
    else:
        assert errors.count(None) <= 1
    sim.sometimes("somebody else wins than who was first", None in errors[1:])
    await stop_at_last(app)
    lives.assert_all_is_well()


async def test_a_hundred_who_add_one_id_are_told_of_the_one_that_was_first() -> None:
    """D17"""
    late = [Maker("child") for _ in range(100)]
    async with supervisor_of() as app:
        specs = [ChildSpec(one, id="id") for one in late]
        answers = await asyncio.gather(*map(app.add_child, specs), return_exceptions=True)
        assert [answer for answer in answers if isinstance(answer, Worker)] == [late[0].now]
        assert sum(isinstance(answer, ChildExists) for answer in answers) == 99
        assert app.num_workers == 1
