"""Adding children: before the start, while the group runs, starts and stops."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from math import inf

import pytest

from fluid import FluidValueError, GroupClosed, Worker, Workers, WorkerStartError, WorkerState
from tests.worker.fakes import at_once, forever, now, raising
from tests.worker.group_cast import (
    Idle,
    assert_nobody_is_left,
    child,
    children,
    end_of,
    ends_of,
    history_of,
    let_pass,
    steps,
)

BOTH_ORDERS = pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])


# --- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_children_added_to_a_running_group_are_started_in_turn_and_stopped_with_it(
    number: int,
) -> None:
    """O03"""
    group = Workers(child("first"), name="app", stop_in_reverse=True)
    await group.startup()
    history = history_of(group)
    group.add_workers(*(child(f"{n}", startup=lambda _: asyncio.sleep(1)) for n in range(number)))
    await asyncio.sleep(10)
    assert history == [f"{verb} app/{n}" for n in range(number) for verb in ("start", "ready")]
    assert group.num_workers == 1 + number
    ends = ends_of(group)
    await group.shutdown()
    assert ends == [f"app/{n}" for n in reversed(range(number))] + ["app/first", "app"]


async def test_a_child_added_while_the_group_starts_waits_behind_the_others() -> None:
    members = children("abc", startup=lambda _: asyncio.sleep(2))
    group = Workers(*members, name="app")
    history = history_of(group, "ready")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.add_workers(child("d", startup=lambda _: asyncio.sleep(2)))
    await start
    assert now() == 8
    assert history == ["ready app/a", "ready app/b", "ready app/c", "ready app/d", "ready app"]
    await group.shutdown()


async def test_a_child_may_add_its_siblings() -> None:
    async def add(worker) -> None:
        worker.worker_parent.add_workers(child("b"))
        await worker.sleep(inf)

    group = Workers(child("a", run=add))
    await group.startup()
    await asyncio.sleep(1)
    assert [worker.worker_name for worker in group.workers()] == ["a", "b"]
    assert all(worker.is_ready() for worker in group.workers())
    await group.shutdown()


async def test_an_added_child_that_fails_to_start_ends_the_group_with_its_error() -> None:
    """S10"""
    error = ValueError("late")
    members = children("ab")
    group = Workers(*members)
    await group.startup()
    group.add_workers(child("c", startup=raising(error)))
    assert await end_of(group.wait_for_shutdown()) is error
    assert_nobody_is_left(group, members)


@pytest.mark.parametrize("how", ["asked", "a child ended", "ended", "failed"])
async def test_a_group_that_stops_or_has_ended_takes_nobody(how: str) -> None:
    """G21"""
    brief = child("brief", run=at_once if how == "a child ended" else None)
    first = child("first", shutdown=lambda _: asyncio.sleep(3))
    group = Workers(first, brief, name="app")
    if how == "failed":
        group.add_workers(child("failing", startup=raising(ValueError("no"))))
    await end_of(group.startup())
    if how == "asked":
        group.gracefully_stop()
    elif how == "a child ended":
        await brief.wait_for_shutdown()
    elif how == "ended":
        await group.shutdown()
    state = {"ended": "stopped", "failed": "failed"}.get(how, "stopping")
    with pytest.raises(GroupClosed, match=f"group 'app' cannot take 'late', 'x': it is {state}"):
        group.add_workers(child("late"), child("x"))
    assert group.num_workers == 2 + (how == "failed")
    group.add_workers()
    group.add_workers(first)  # who is in is in
    await end_of(group.shutdown())


@BOTH_ORDERS
async def test_a_child_added_at_any_step_is_refused_or_stopped_with_the_group(
    in_reverse: bool,
) -> None:
    """G21"""
    accepted = refused = 0
    for step in count():
        members = children("ab", startup=steps(2), shutdown=steps(2))
        late = child("late", startup=steps(1), shutdown=steps(1))
        group = Workers(*members, stop_in_reverse=in_reverse)
        life = asyncio.ensure_future(_start_and_stop(group))
        await let_pass(step)
        if life.done():
            break
        try:
            group.add_workers(late)
        except GroupClosed:
            refused += 1
            assert late.worker_parent is None
        else:
            accepted += 1
            assert late.worker_parent is group
        await life
        assert_nobody_is_left(group, [*members, late])
    assert accepted > 5
    assert refused > 5


async def _start_and_stop(group: Workers) -> None:
    await group.startup()
    await asyncio.sleep(0)
    await group.shutdown()


# --- whom ----------------------------------------------------------------------------------------


async def test_the_same_worker_is_added_once() -> None:
    member = child("a")
    group = Workers(member, member)
    group.add_workers(member, member)
    await group.startup()
    group.add_workers(member)
    assert group.num_workers == 1
    await group.shutdown()
    assert member.diary.count("run") == 1


async def test_workers_of_one_name_are_told_apart_by_number_in_order_of_addition() -> None:
    """I04"""
    group = Workers(child("a"), child("a-2"), child("a"), child("b/c"), child("a"), name="app")
    paths = [worker.worker_path for worker in group.workers()]
    assert paths == ["app/a", "app/a-2", "app/a-3", "app/b%2Fc", "app/a-4"]
    assert [worker.worker_name for worker in group.workers()] == ["a", "a-2", "a", "b/c", "a"]


async def test_a_worker_that_is_in_a_group_is_refused() -> None:
    """T12"""
    member = child("a")
    group = Workers(member, name="one")
    with pytest.raises(FluidValueError, match="worker 'a' cannot join group 'two': it is in group"):
        Workers(member, name="two")
    async with group:
        other = Workers(name="two")
        with pytest.raises(FluidValueError, match="it is in group 'one' already"):
            other.add_workers(member)
    assert member.worker_parent is group


async def test_a_worker_is_free_again_when_its_group_is_gone() -> None:
    member = child("a")
    Workers(member, name="never started")
    assert member.worker_parent is None
    group = Workers(member)
    assert member.worker_parent is group


@pytest.mark.parametrize("state", ["stopping", "stopped", "force_stopped", "failed"])
async def test_a_worker_that_is_ending_or_has_ended_is_refused(state: str) -> None:
    """T12, S22"""
    hooks = {"force_stopped": forever, "failed": raising(ValueError())}
    member = child("a", run=hooks.get(state))
    await member.startup()
    if state == "stopping":
        member.gracefully_stop()
    else:
        await end_of(member.shutdown())
    with pytest.raises(FluidValueError, match=f"it is {state}; a worker has one life"):
        Workers(member)
    await end_of(member.shutdown())


def test_a_group_cannot_be_below_itself() -> None:
    inner = Workers(name="inner")
    middle = Workers(inner, name="middle")
    outer = Workers(middle, name="outer")
    for below in (inner, middle, outer):
        with pytest.raises(FluidValueError, match="worker 'outer' cannot join .* below itself"):
            below.add_workers(outer)


def test_one_that_cannot_join_keeps_all_of_its_call_out() -> None:
    good, taken = child("good"), child("taken")
    group, other = Workers(name="app"), Workers(taken)
    with pytest.raises(FluidValueError):
        group.add_workers(good, taken)
    assert group.num_workers == 0
    assert good.worker_parent is None
    assert taken.worker_parent is other


def test_half_a_worker_is_refused_with_the_line_that_is_missing() -> None:
    class Half(Idle):
        def __init__(self) -> None:
            pass

    with pytest.raises(WorkerStartError, match="super\\(\\).__init__\\(\\)$"):
        Workers(Half())


@pytest.mark.real
async def test_a_worker_of_another_loop_is_refused() -> None:
    there, done = threading.Event(), threading.Event()
    foreign = Idle(name="foreign")

    async def elsewhere() -> None:
        await foreign.startup()
        there.set()
        while not done.is_set():
            await asyncio.sleep(0.01)
        await foreign.shutdown()

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    there.wait(5)
    try:
        group = Workers(Idle(name="first"))
        async with group:
            with pytest.raises(FluidValueError, match="it lives on another event loop"):
                group.add_workers(foreign)
        early = Workers(Idle(name="second"), foreign)  # its own loop is not known yet
        with pytest.raises(WorkerStartError, match="worker 'foreign' cannot start"):
            await early.startup()
        assert foreign.is_running()
    finally:
        done.set()
        thread.join()


# --- who runs already ----------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
@BOTH_ORDERS
async def test_a_worker_that_runs_already_is_adopted_and_stopped_with_the_group(
    when: str, in_reverse: bool
) -> None:
    """T12"""
    member = child("a")
    await member.startup()
    group = Workers(*([member] if when == "before the start" else []), name="app")
    await group.startup()
    group.add_workers(member)
    await asyncio.sleep(1)
    assert member.worker_path == "app/a"
    assert group.is_ready()
    await group.shutdown()
    assert member.worker_state is WorkerState.STOPPED
    assert member.diary.count("run") == 1


async def test_the_end_of_an_adopted_worker_ends_the_group_with_its_error() -> None:
    error = ValueError("adopted")

    async def fail(_worker) -> None:
        await asyncio.sleep(5)
        raise error

    member = child("a", run=fail)
    await member.startup()
    group = Workers(child("b"), member)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is error


async def test_an_adopted_worker_that_fails_before_its_turn_ends_the_start() -> None:
    error = ValueError("adopted")
    member = child("a", run=lambda w: _fail_in(2, error))
    await member.startup()
    slow = child("slow", startup=forever)
    group = Workers(slow, member)
    assert await end_of(group.startup()) is error
    assert now() == 2
    assert_nobody_is_left(group, [slow, member])


async def _fail_in(seconds: float, error: BaseException) -> None:
    await asyncio.sleep(seconds)
    raise error


async def test_an_adopted_worker_whose_turn_has_not_come_is_stopped_with_the_group() -> None:
    member = child("a")
    await member.startup()
    group = Workers(child("slow", startup=forever), member)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    assert isinstance(await end_of(start), WorkerStartError)
    assert member.worker_state is WorkerState.STOPPED


async def test_an_adopted_worker_that_is_still_starting_is_waited_for_in_its_turn() -> None:
    member = child("a", startup=lambda _: asyncio.sleep(5))
    theirs = asyncio.ensure_future(member.startup())
    await asyncio.sleep(1)
    after = child("after")
    group = Workers(member, after, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    assert not after.has_started()
    await start
    assert now() == 5
    await theirs
    await group.shutdown()


async def test_a_child_that_somebody_else_starts_before_its_turn_is_not_started_twice() -> None:
    slow, member = child("slow", startup=lambda _: asyncio.sleep(5)), child("a")
    group = Workers(slow, member, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    await member.startup()
    await start
    assert now() == 5
    assert member.diary.count("run") == 1
    await group.shutdown()
    assert member.is_stopped()


async def test_a_child_that_somebody_else_is_starting_when_the_group_stops_is_stopped_too() -> None:
    slow = child("slow", startup=forever)
    member = child("a", startup=forever)
    group = Workers(slow, member)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    theirs = asyncio.ensure_future(member.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    assert isinstance(await end_of(start), WorkerStartError)
    assert member.is_stopped()
    assert isinstance(await end_of(theirs), WorkerStartError)


async def test_a_child_that_has_ended_before_its_turn_ends_the_group() -> None:
    error = ValueError("brief")
    for run, expected in ((at_once, type(None)), (raising(error), ValueError)):
        slow = child("slow", startup=lambda _: asyncio.sleep(5))
        member = child("a", run=run)
        group = Workers(slow, member)
        start = asyncio.ensure_future(group.startup())
        await asyncio.sleep(0)
        await member.startup()
        await asyncio.sleep(0)
        raised = await end_of(start)
        assert raised is (error if expected is ValueError else raised)
        assert group.is_stopped()


async def test_a_child_cannot_be_started_once_its_group_stops() -> None:
    """G21: nobody would be left to stop it."""
    slow, waiting = child("slow", shutdown=lambda _: asyncio.sleep(3)), child("waiting")

    async def add_and_stop(worker: Worker) -> None:
        await worker.sleep(1)
        group.add_workers(waiting)
        group.gracefully_stop()

    group = Workers(slow, child("a", run=add_and_stop), name="app")
    await group.startup()
    await asyncio.sleep(2)
    for state in ("stopping", "stopped"):
        with pytest.raises(WorkerStartError, match=f"cannot start: its group 'app' is {state}"):
            await waiting.startup()
        await group.wait_for_shutdown()
    assert not waiting.has_started()
