"""Groups of thousands and trees of hundreds of levels: linear time, nothing left in memory."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fluid import Workers, WorkerState, events
from tests.worker.fakes import forever, now
from tests.worker.group_cast import Idle, child, end_of

FEW, MANY = 250, 2_500


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "options" in metafunc.fixturenames:
        kinds = {
            "together": {},
            "together, by a deadline": {"stopping_grace_period": 30},
            "in order": {"stop_in_reverse": True},
            "in order, by a deadline": {"stop_in_reverse": True, "stopping_grace_period": 30},
        }
        metafunc.parametrize("options", kinds.values(), ids=kinds.keys())


@pytest.mark.lazy_only("for time")
@pytest.mark.virtual(livelock_after=10_000_000)
async def test_thousands_of_children_start_and_stop_in_linear_time(options) -> None:
    """G17, N07"""
    each = [await _cost_of_each(number, options) for number in (FEW, MANY, FEW)]
    assert each[1] < 6 * max(each[0], each[2])


async def _cost_of_each(number: int, options) -> float:
    """Returns the seconds that one child of so many of one name costs in all."""
    gc.collect()
    began = time.process_time()
    group = Workers(*(Idle(name="one name") for _ in range(number)), **options)
    await group.startup()
    assert group.is_ready()
    await group.shutdown()
    assert all(worker.worker_state is WorkerState.STOPPED for worker in group.workers())
    return (time.process_time() - began) / number


@pytest.mark.lazy_only("for time")
@pytest.mark.virtual(livelock_after=10_000_000)
@pytest.mark.parametrize("verb", ["force", "hurry", "add"])
async def test_force_a_nearer_deadline_and_additions_take_linear_time_too(verb: str) -> None:
    each = []
    for number in (FEW, MANY // 2, FEW):
        group = Workers(*(Idle() for _ in range(number)), stop_in_reverse=True, name="app")
        await group.startup()
        began = time.process_time()
        if verb == "add":
            waiting = asyncio.ensure_future(group.wait_ready())
            for _ in range(number):
                group.add_workers(Idle())
            await group.wait_ready()
            await waiting
        else:
            stop = asyncio.ensure_future(group.shutdown())
            await asyncio.sleep(0)
            if verb == "force":
                group._worker.force()
            else:
                group._worker.hurry(now() + 5)
            await stop
        each.append((time.process_time() - began) / number)
        await group.shutdown()
    assert each[1] < 6 * max(each[0], each[2])


def nested(depth: int, **options) -> tuple[Workers, Idle]:
    """Returns a tree of so many groups, one in the other, and the leaf at its bottom."""
    leaf = Idle(name="leaf")
    group = Workers(leaf, **options)
    for _ in range(depth - 1):
        group = Workers(group, **options)
    return group, leaf


@contextmanager
def room_for(calls: int) -> Iterator[None]:
    """Lets nothing call itself deeper than so many calls below this one."""
    frame, depth, before = sys._getframe(), 0, sys.getrecursionlimit()
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + calls)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.lazy_only("for time")
@pytest.mark.parametrize("how", ["stop", "force", "hurry", "fail"])
async def test_no_tree_is_too_deep_to_start_and_stop(how: str) -> None:
    """C19"""
    with room_for(calls=150):
        await _lives_and_ends(how, depth=200)


async def _lives_and_ends(how: str, *, depth: int) -> None:
    group, leaf = nested(depth)
    await group.startup()
    assert leaf.worker_path.count("/") == depth
    assert group.worker_stop_bound == 17
    error = None
    if how == "stop":
        await group.shutdown()
    elif how == "force":
        group._worker.force()
        await group.shutdown()
    elif how == "hurry":
        stop = asyncio.ensure_future(group.shutdown())
        await asyncio.sleep(0)
        group._worker.hurry(now() + 1)
        await stop
    else:
        error = ValueError("deep")
        leaf._worker.life.task.cancel()
        error = await end_of(group.wait_for_shutdown())
        assert error is not None
    assert group.is_stopped()
    assert leaf.is_stopped()


async def test_a_cancel_of_the_root_takes_linear_work_however_deep_the_tree_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C19: where nobody listens; an event that is heard goes up the whole tree."""
    monkeypatch.setattr(events, "anybody_listens", lambda: False)
    calls = []
    for depth in (100, 1000):
        group, leaf = nested(depth)
        await group.startup()
        with cProfile.Profile() as profile:
            group._worker.life.task.cancel()
            assert type(await end_of(group.wait_for_shutdown())) is asyncio.CancelledError
        calls.append(sum(function.callcount for function in profile.getstats()) / depth)
        assert leaf.worker_state is WorkerState.STOPPED
    assert calls[1] < 1.5 * calls[0]


# --- memory --------------------------------------------------------------------------------------


class Odd(Idle):
    """Has a ``startup()`` of its own."""

    async def startup(self) -> None:
        await super().startup()


def _nothing(group: Workers) -> None:
    """Does nothing."""


def _adds(group: Workers) -> None:
    group.add_workers(Idle())


@pytest.mark.lazy_only("what an eager task leaves in its frames is not ours")
@pytest.mark.parametrize("touch", [_nothing, _adds])
async def test_a_group_and_its_children_are_freed_with_their_last_user(
    options, touch: Callable[[Workers], None]
) -> None:
    """L03, L04"""

    async def use() -> list[weakref.ref[object]]:
        inner = Workers(Idle(), child("a"), Odd(), **options)
        group = Workers(inner, Idle(), child("b"), **options)
        async with group:
            touch(group)
            await asyncio.sleep(1)
            await group.status()
            await group.wait_ready()
        everybody = [group, *group.workers(), *inner.workers()]
        cores = [worker._worker for worker in everybody]
        return [weakref.ref(each) for each in (*everybody, *cores)]

    gc.disable()
    try:
        gone = await use()
        await asyncio.sleep(0)
        alive = [each() for each in gone if each() is not None]
        assert alive == []
    finally:
        gc.enable()


@pytest.mark.lazy_only("what an eager task leaves in its frames is not ours")
async def test_a_group_that_was_cancelled_for_being_late_is_freed_with_its_last_user() -> None:
    """L03"""

    class Late(Workers):
        async def run(self) -> None:
            await asyncio.sleep(15)
            await super().run()

    async def use() -> list[weakref.ref[object]]:
        member = child("a", run=forever)
        await member.startup()
        group = Late(member)
        start = asyncio.ensure_future(group.startup())
        await asyncio.sleep(1)
        group.gracefully_stop()
        await asyncio.wait([start])
        assert start.exception() is not None
        assert group.worker_state is WorkerState.FORCE_STOPPED
        return [weakref.ref(group), weakref.ref(member)]

    gc.disable()
    try:
        gone = await use()
        await asyncio.sleep(0)
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()


@pytest.mark.lazy_only("for time")
async def test_start_and_stop_leave_nothing_that_only_the_collector_finds() -> None:
    """L02, L03"""

    async def once() -> None:
        group = Workers(Idle(), Workers(Idle(), stop_in_reverse=True), stopping_grace_period=60)
        async with group:
            pass

    await once()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(100):
            await once()
        await asyncio.sleep(60)  # until the loop has thrown the timers away that were cancelled
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()
