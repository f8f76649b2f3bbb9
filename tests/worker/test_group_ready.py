"""What others see of a group: readiness, events, status, the tree."""

from __future__ import annotations

import asyncio
import json
from math import inf

import pytest

from fluid import Workers, WorkerStartError, WorkerState
from fluid.events import WorkerEvent, WorkerReady
from tests.worker.fakes import forever, now, raising
from tests.worker.group_cast import Idle, child, children, end_of, history_of, let_pass

# --- readiness -----------------------------------------------------------------------------------


async def test_a_group_is_ready_when_all_its_children_are_and_says_so_once() -> None:
    """H01"""
    members = children("abc", startup=lambda _: asyncio.sleep(1))
    group = Workers(*members, name="app")
    history = history_of(group, "ready")
    start = asyncio.ensure_future(group.startup())
    for _ in range(3):
        assert not group.is_ready()
        assert not start.done()
        await asyncio.sleep(0.9)
    await start
    assert group.is_ready()
    assert history.count("ready app") == 1
    await group.shutdown()


async def test_readiness_ends_with_the_request_to_stop() -> None:
    """H03"""
    member = child("a", shutdown=lambda _: asyncio.sleep(1))
    group = Workers(member)
    await group.startup()
    group.gracefully_stop()
    assert not group.is_ready()
    assert member.is_ready()  # it is asked in a later step
    await group.wait_for_shutdown()
    assert not group.is_ready()


async def test_readiness_ends_when_one_child_is_asked_to_stop() -> None:
    members = children("ab")
    inner = Workers(*members)
    group = Workers(inner)
    await group.startup()
    members[0].gracefully_stop()
    assert not inner.is_ready()
    assert not group.is_ready()
    await group.wait_for_shutdown()


async def test_a_group_is_not_ready_while_an_added_child_starts_nor_is_the_group_above() -> None:
    """H01"""
    inner = Workers(child("a"), name="inner")
    group = Workers(inner, name="app")
    await group.startup()
    inner.add_workers(child("b", startup=lambda _: asyncio.sleep(3)))
    assert not inner.is_ready()
    assert not group.is_ready()
    for waited_for in (inner, group):
        await waited_for.wait_ready()
    assert now() == 3
    assert group.is_ready()
    await group.shutdown()


@pytest.mark.parametrize("already_running", [False, True])
async def test_whoever_waits_for_a_group_above_is_woken_when_an_added_child_is_ready(
    already_running: bool,
) -> None:
    inner = Workers(child("a"), name="inner")
    group = Workers(inner, name="app")
    added = Idle(name="added")
    await group.startup()
    if already_running:
        await added.startup()
    inner.add_workers(added)
    waiting = [asyncio.ensure_future(each.wait_ready()) for each in (group, inner, added)]
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)
    assert now() == 0
    await group.shutdown()


async def test_waiting_for_a_group_to_be_ready_ends_with_its_start_or_with_an_error() -> None:
    """H13"""
    for failing in (False, True):
        last = child("b", startup=raising(ValueError("no")) if failing else None)
        group = Workers(child("a", startup=lambda _: asyncio.sleep(1)), last, name="app")
        waiting = [asyncio.ensure_future(end_of(group.wait_ready())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await end_of(group.startup())
        errors = [await each for each in waiting[1:]]
        if failing:
            assert all(isinstance(error, WorkerStartError) for error in errors)
        else:
            assert errors == [None, None]
            await group.shutdown()


async def test_a_group_that_failed_to_start_was_never_ready() -> None:
    seen: list[bool] = []
    group = Workers(child("a"), child("b", startup=raising(ValueError())), name="app")
    group.subscribe(lambda _event: seen.append(group.is_ready()))
    await end_of(group.startup())
    assert seen
    assert not any(seen)


# --- events --------------------------------------------------------------------------------------


async def test_events_of_a_child_reach_its_group_and_the_root_once_in_the_same_order() -> None:
    leaf = child("leaf")
    inner = Workers(leaf, name="inner")
    group = Workers(inner, name="app")
    heard: dict[str, list[WorkerEvent]] = {}
    for worker in (leaf, inner, group):
        heard[worker.worker_name] = []
        worker.subscribe(heard[worker.worker_name].append)
    await group.startup()
    await group.shutdown()
    about_leaf = [event for event in heard["app"] if event.path == "app/inner/leaf"]
    assert heard["leaf"] == about_leaf
    assert about_leaf == [event for event in heard["inner"] if event.path == "app/inner/leaf"]
    assert [type(event).__name__ for event in about_leaf] == [
        "WorkerStarted",
        "WorkerReady",
        "WorkerStopping",
        "WorkerStopped",
    ]


async def test_a_listener_that_raises_harms_nobody(caplog) -> None:
    """E10"""

    def broken(_event: WorkerEvent) -> None:
        raise ValueError("listener")

    group = Workers(*children("ab"), name="app")
    group.subscribe(broken)
    history = history_of(group, "stopped")
    await group.startup()
    await group.shutdown()
    assert history == ["stopped app/b", "stopped app/a", "stopped app"]
    assert "a listener raised on WorkerReady" in caplog.text


async def test_a_listener_may_stop_the_group_at_any_event() -> None:
    """G12"""
    for number in range(12):
        members = children("abc")
        group = Workers(*members, name="app")
        heard: list[WorkerEvent] = []

        def stop(event: WorkerEvent, at=number, heard=heard, group=group) -> None:
            heard.append(event)
            if len(heard) == at:
                group.gracefully_stop()

        group.subscribe(stop)
        error = await end_of(group.startup())
        await group.shutdown()
        assert isinstance(error, WorkerStartError) or error is None
        assert group.worker_state is WorkerState.STOPPED
        assert all(member.is_stopped() or not member.has_started() for member in members)


async def test_a_listener_may_add_a_child_when_one_is_ready() -> None:
    group = Workers(child("a"), name="app")

    def add(event: WorkerEvent) -> None:
        if isinstance(event, WorkerReady) and event.path == "app/a":
            group.add_workers(child("b"))

    group.subscribe(add)
    await group.startup()
    assert [worker.is_ready() for worker in group.workers()] == [True, True]
    await group.shutdown()


# --- status and tree -----------------------------------------------------------------------------


async def test_the_status_of_a_group_is_that_of_its_children_by_slot_key() -> None:
    inner = Workers(child("c"), name="inner")
    group = Workers(child("a"), child("a"), inner, name="app")
    before = await group.status()
    assert {key: value.get("running") for key, value in before.items()} == {
        "a": False,
        "a-2": False,
        "inner": None,
    }
    async with group:
        status = await group.status()
        assert status["a"]["running"] is status["a-2"]["running"] is True
        assert status["inner"]["c"]["running"] is True
        json.dumps(status)
    assert (await group.status())["a"]["exit"]["reason"] == "normal shutdown"


async def test_the_tree_shows_everybody_with_path_state_and_bound() -> None:
    inner = Workers(Idle(name="b", stopping_grace_period=inf), name="inner")
    group = Workers(Idle(name="a"), inner, name="app", stopping_grace_period=30)
    async with group:
        tree = group.worker_tree()
        json.dumps(tree)
    paths = {each["path"]: each for each in _flat(tree)}
    assert list(paths) == ["app", "app/a", "app/inner", "app/inner/b"]
    assert [each["stop_bound"] for each in paths.values()] == [30, 17, None, None]
    assert {each["state"] for each in paths.values()} == {"running"}


def _flat(tree):
    yield tree
    for each in tree["children"]:
        yield from _flat(each)


async def test_children_know_their_parent_and_their_path() -> None:
    leaf = child("leaf")
    inner = Workers(leaf, name="inner")
    assert leaf.worker_path == "inner/leaf"
    group = Workers(inner, name="app")
    assert leaf.worker_parent is inner
    assert inner.worker_parent is group
    assert group.worker_parent is None
    assert leaf.worker_path == "app/inner/leaf"
    async with group:
        pass
    assert leaf.worker_exit.path == "app/inner/leaf"
    assert group.num_workers == 1
    assert list(group.workers()) == [inner]


async def test_a_group_that_nothing_happens_in_costs_nothing() -> None:
    """G19, PEERS 29: nothing polls."""
    group = Workers(*(Idle() for _ in range(100)), Workers(*(Idle() for _ in range(100))))
    await group.startup()
    await let_pass(5)
    loop = asyncio.get_running_loop()
    handles = 0
    real = loop.call_soon

    def counting(*args, **kwargs):
        nonlocal handles
        handles += 1
        return real(*args, **kwargs)

    loop.call_soon = counting
    await asyncio.sleep(3000)
    del loop.call_soon
    assert handles <= 2
    await group.shutdown()


async def test_children_that_end_at_once_and_those_that_never_do_are_told_apart_in_the_record() -> (
    None
):
    brief = child("brief", run=lambda _: asyncio.sleep(1))
    members = [brief, child("deaf", run=forever, stopping_grace_period=1)]
    group = Workers(*members)
    await group.startup()
    await group.wait_for_shutdown()
    assert [member.worker_exit.reason for member in members] == [
        "normal shutdown",
        "forced shutdown",
    ]
