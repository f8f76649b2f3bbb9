"""Starting a group: one after the other, all or nobody."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from itertools import count
from math import inf

import pytest

from fluid import (
    FluidValueError,
    StartTimeoutError,
    WorkerCancelled,
    Workers,
    WorkerStartError,
    WorkerState,
)
from fluid.events import WorkerFailed
from tests.worker.fakes import at_once, forever, now, raising, worker_with
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


# --- in order ------------------------------------------------------------------------------------


async def test_an_empty_group_starts_runs_until_it_is_stopped_and_leaves_nothing() -> None:
    """S01"""
    group = Workers(name="app")
    history = history_of(group)
    await group.startup()
    assert group.is_ready()
    await asyncio.sleep(1000)
    assert group.is_running()
    await group.shutdown()
    assert now() == 1000
    assert group.worker_state is WorkerState.STOPPED
    assert history == ["start app", "ready app", "stop app", "stopped app"]


@pytest.mark.parametrize("names", ["", "a", "cab", "edcba"])
async def test_children_start_in_the_order_given_each_when_the_one_before_is_ready(
    names: str,
) -> None:
    """S25"""
    members = children(names, startup=lambda _: asyncio.sleep(1))
    group = Workers(*members, name="app")
    history = history_of(group, "start", "ready")
    await group.startup()
    assert history == [
        "start app",
        *(f"{verb} app/{name}" for name in names for verb in ("start", "ready")),
        "ready app",
    ]
    assert now() == len(names)
    await group.shutdown()


async def test_a_child_that_announces_its_readiness_is_waited_for_until_it_does() -> None:
    """S14"""

    async def announce(worker) -> None:
        await asyncio.sleep(3)
        worker.set_ready()
        await worker.sleep(inf)

    slow, after = child("slow", run=announce), child("after")
    type(slow).announces_readiness = True
    group = Workers(slow, after)
    starting = asyncio.ensure_future(group.startup())
    await asyncio.sleep(2)
    assert not after.has_started()
    await starting
    assert now() == 3
    assert after.is_ready()
    await group.shutdown()


async def test_a_group_can_be_a_child_and_is_ready_when_all_of_its_own_are() -> None:
    inner = Workers(*children("ab", startup=lambda _: asyncio.sleep(1)), name="inner")
    group = Workers(inner, child("c"), name="app")
    history = history_of(group, "ready")
    await group.startup()
    assert [line.removeprefix("ready ") for line in history] == [
        "app/inner/a",
        "app/inner/b",
        "app/inner",
        "app/c",
        "app",
    ]
    await group.shutdown()


async def test_a_start_of_many_gives_the_loop_its_steps() -> None:
    group = Workers(*(Idle() for _ in range(1000)))
    starting = asyncio.ensure_future(group.startup())
    taken = 0
    while not starting.done():
        await asyncio.sleep(0)
        taken += 1
    assert taken > 10
    await group.shutdown()


async def test_a_child_sees_the_starters_context_and_its_own_changes_reach_nobody() -> None:
    """S28"""
    number = ContextVar("number", default=0)
    seen: list[int] = []

    async def look(_worker) -> None:
        seen.append(number.get())
        number.set(number.get() + 1)

    group = Workers(*children("abc", startup=look, shutdown=look))
    number.set(7)
    await group.startup()
    await group.shutdown()
    assert seen == [7, 7, 7, 8, 8, 8]
    assert number.get() == 7


async def test_a_group_starts_once() -> None:
    """S16"""
    group = Workers(child("a", startup=lambda _: asyncio.sleep(1)), name="app")
    first, second = await asyncio.gather(group.startup(), group.startup(), return_exceptions=True)
    assert first is None
    assert str(second) == "worker 'app' cannot start: it is running"
    await group.shutdown()


async def test_a_group_whose_child_ends_at_once_has_started_all_the_same() -> None:
    for run in (at_once, raising(ValueError("at once"))):
        group = Workers(child("a"), child("b", run=run))
        await group.startup()
        assert group.worker_state is WorkerState.RUNNING
        await end_of(group.wait_for_shutdown())
        assert group.is_stopped()


# --- all or nobody -------------------------------------------------------------------------------


@BOTH_ORDERS
@pytest.mark.parametrize("failing", range(5))
async def test_when_one_fails_to_start_those_before_are_stopped_last_first_and_no_other_starts(
    in_reverse: bool, failing: int
) -> None:
    """S13, S15, PEERS 8, PEERS 12"""
    error = ValueError("no port")
    members = children("abcde")
    members[failing] = child("abcde"[failing], startup=raising(error))
    group = Workers(*members, name="app", stop_in_reverse=in_reverse)
    failures: list[WorkerFailed] = []
    group.subscribe(lambda event: failures.append(event) if type(event) is WorkerFailed else None)
    ends = ends_of(group)
    assert await end_of(group.startup()) is error
    assert group.worker_state is WorkerState.FAILED
    before = "abcde"[:failing]
    assert ends == [f"app/{name}" for name in ("abcde"[failing], *reversed(before))] + ["app"]
    for position, member in enumerate(members):
        assert member.has_started() == (position <= failing)
    assert_nobody_is_left(group, members)
    assert [event.origin for event in failures] == [f"app/{'abcde'[failing]}"] * 2


async def test_a_rollback_waits_for_the_clean_up_of_those_that_had_started() -> None:
    """S09"""
    first = child("first", shutdown=lambda _: asyncio.sleep(3))
    group = Workers(first, child("second", startup=raising(ValueError())))
    assert type(await end_of(group.startup())) is ValueError
    assert now() == 3
    assert first.diary == ["on_startup", "run", "on_shutdown", ("normal shutdown", 0)]


async def test_a_rollback_stops_children_side_by_side_unless_they_are_to_stop_in_order() -> None:
    for in_reverse, seconds in ((False, 3), (True, 9)):
        began = now()
        members = children("abc", shutdown=lambda _: asyncio.sleep(3))
        failing = child("d", startup=raising(ValueError()))
        group = Workers(*members, failing, stop_in_reverse=in_reverse)
        await end_of(group.startup())
        assert now() - began == seconds


async def test_a_child_that_ends_before_it_is_ready_fails_the_start() -> None:
    brief = child("brief", run=at_once)
    type(brief).announces_readiness = True
    first = child("first")
    group = Workers(first, brief, name="app")
    error = await end_of(group.startup())
    assert isinstance(error, WorkerStartError)
    assert_nobody_is_left(group, [first, brief])


async def test_a_child_that_is_cancelled_while_it_starts_fails_the_start() -> None:
    """C20: nobody else is cancelled for it."""
    starting = child("starting", startup=forever)
    group = Workers(child("first"), starting)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "starting")
    task.cancel()
    error = await end_of(start)
    assert type(error) is WorkerCancelled
    assert type(error.__cause__) is asyncio.CancelledError


async def test_options_that_cannot_work_fail_the_start() -> None:
    first, wrong = child("first"), child("wrong")
    wrong.cancel_period = -1.0
    group = Workers(first, wrong, child("third"))
    error = await end_of(group.startup())
    assert type(error) is FluidValueError
    assert str(error).startswith("cancel_period of worker 'wrong'")
    assert group.worker_exit.errors == ()
    assert first.is_stopped()
    assert not wrong.has_started()


async def test_not_even_a_system_exit_in_the_middle_of_a_start_leaves_anybody_behind() -> None:
    """E04"""

    class Wrong(Idle):
        @property
        def start_timeout(self) -> float:
            raise SystemExit(3)

    first = child("first")
    error = await end_of(Workers(first, Wrong()).startup())
    assert isinstance(error, SystemExit)
    assert first.worker_state is WorkerState.STOPPED


async def test_a_child_that_fails_while_a_later_one_starts_ends_that_start_too() -> None:
    async def fail_later(_worker) -> None:
        await asyncio.sleep(2)
        raise error

    error = ValueError("later")
    members = [child("a", run=fail_later), child("b", startup=forever), child("c")]
    group = Workers(*members)
    assert await end_of(group.startup()) is error
    assert now() == 2
    assert members[1].diary == ["on_startup", ("stopped during start-up", 0)]
    assert not members[2].has_started()


async def test_a_child_that_ends_well_while_a_later_one_starts_ends_the_start_too() -> None:
    members = [child("a", run=at_once), child("b", startup=forever)]
    group = Workers(*members, name="app")
    error = await end_of(group.startup())
    assert str(error) == "worker 'app' did not start: worker app/a ended meanwhile"
    assert group.worker_state is WorkerState.STOPPED
    assert_nobody_is_left(group, members)


async def test_a_child_over_its_start_limit_fails_the_start_with_its_own_error() -> None:
    """S20"""
    first, slow = child("first"), child("slow", startup=forever)
    slow.start_timeout = 5.0
    error = await end_of(Workers(first, slow).startup())
    assert isinstance(error, StartTimeoutError)
    assert "worker 'slow'" in str(error)
    assert now() == 5
    assert first.is_stopped()


async def test_a_group_over_its_start_limit_is_rolled_back() -> None:
    """S20"""
    members = children("abc", startup=lambda _: asyncio.sleep(2))
    group = Workers(*members, name="app")
    group.start_timeout = 5.0
    error = await end_of(group.startup())
    assert isinstance(error, StartTimeoutError)
    assert "worker 'app'" in str(error)
    assert now() == 5
    assert_nobody_is_left(group, members)
    assert members[1].is_stopped()


async def test_the_inner_error_of_a_nested_start_is_raised_itself() -> None:
    error = ValueError("deep")
    members = children("ab")
    inner = Workers(members[0], child("bad", startup=raising(error)), name="inner")
    group = Workers(members[1], Workers(inner, name="middle"), name="app")
    assert await end_of(group.startup()) is error
    assert_nobody_is_left(group, members)


# --- a start that is stopped ---------------------------------------------------------------------


async def test_a_stop_while_a_child_starts_cancels_that_start_and_stops_the_others() -> None:
    """S18"""
    closed: list[str] = []

    async def hold(worker) -> None:
        worker.worker_exit_stack.callback(closed.append, worker.worker_name)
        await asyncio.sleep(inf)

    members = [child("a"), child("b", startup=hold), child("c")]
    group = Workers(*members, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    error = await end_of(start)
    assert str(error) == "worker 'app' did not start: it was stopped"
    assert now() == 1
    assert closed == ["b"]
    assert members[0].diary[-1] == ("normal shutdown", 0)
    assert not members[2].has_started()
    assert group.worker_state is WorkerState.STOPPED


async def test_a_stop_before_the_first_step_starts_nobody() -> None:
    """S19"""
    members = children("ab")
    group = Workers(*members)
    starting = group.startup()
    task = asyncio.ensure_future(starting)
    for _ in range(2):
        group.gracefully_stop()
        await asyncio.sleep(0)
    assert isinstance(await end_of(task), WorkerStartError)
    assert_nobody_is_left(group, members)


@BOTH_ORDERS
@pytest.mark.parametrize("how", ["stop", "cancel the caller", "force", "cancel the group's task"])
async def test_a_start_that_is_ended_at_any_step_leaves_nobody_behind(
    how: str, in_reverse: bool
) -> None:
    """S18, S19, F07, C01, C06"""
    for step in count():
        began = now()
        members = children("abc", startup=steps(2), shutdown=steps(2))
        inner = Workers(*children("de", startup=steps(1)), name="inner")
        everybody = [*members, inner, *inner.workers()]
        group = Workers(*members[:2], inner, members[2], name="app", stop_in_reverse=in_reverse)
        ends = ends_of(group)
        start = asyncio.ensure_future(group.startup())
        await let_pass(step)
        if start.done():
            await group.shutdown()
            break
        too_early = not group.has_started() and how != "cancel the caller"
        too_late = group.is_ready() and how == "cancel the group's task"
        _end(group, start, how)
        assert (await end_of(start) is None) == (too_early or too_late)
        await end_of(group.shutdown())
        assert_nobody_is_left(group, everybody)
        assert ends[-1:] == ["app"] * group.has_started()
        assert now() - began < 1
    assert step > 15


def _end(group: Workers, start: asyncio.Future[None], how: str) -> None:
    match how:
        case "stop":
            group.gracefully_stop()
        case "cancel the caller":
            start.cancel()
        case "force":
            group._worker.force()
        case _:
            for task in asyncio.all_tasks():
                if task.get_name() == "app":
                    task.cancel()


async def test_a_cancelled_starter_gets_its_own_cancel_back_after_the_clean_up() -> None:
    """C01, C17"""
    members = children("ab", shutdown=lambda _: asyncio.sleep(2))
    group = Workers(*members, child("c", startup=forever))
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    start.cancel("enough")
    await asyncio.wait([start])
    with pytest.raises(asyncio.CancelledError, match="enough"):
        start.result()
    assert now() == 3
    assert_nobody_is_left(group, members)


async def test_two_cancels_of_the_starter_do_no_more_than_one() -> None:
    """C07"""
    members = children("ab", shutdown=lambda _: asyncio.sleep(2))
    group = Workers(*members, child("c", startup=forever))
    start = asyncio.ensure_future(group.startup())
    for _ in range(3):
        await asyncio.sleep(0.5)
        start.cancel()
    await asyncio.wait([start])
    assert start.cancelled()
    assert now() == 2.5
    assert_nobody_is_left(group, members)


async def test_a_start_that_takes_too_long_names_the_child_that_it_waits_for() -> None:
    slow = worker_with(name="slow", startup=forever)
    group = Workers(Workers(slow, name="inner"), name="app")
    group.start_timeout = 5.0
    with pytest.raises(StartTimeoutError) as caught:
        await group.startup()
    inner, leaf, *_, place = caught.value.stack
    assert (inner, leaf) == (
        "worker app/inner, which is starting",
        "worker app/inner/slow, which is starting",
    )
    assert "sleep" in place
