"""Stopping a group: together or in order, by whoever asks, whatever a child does."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from math import inf

import pytest

from fluid import WorkerDeadlockError, Workers, WorkerState
from tests.worker.fakes import at_once, deaf, deaf_to, forever, now, raising
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


# --- together ------------------------------------------------------------------------------------


async def test_children_are_all_asked_at_once_and_each_takes_its_own_time() -> None:
    """G01, G04"""
    members = [child(f"{n}", shutdown=lambda _, n=n: asyncio.sleep(n)) for n in (3, 1, 2)]
    group = Workers(*members, name="app")
    ends = ends_of(group)
    await group.startup()
    await group.shutdown()
    assert ends == ["app/1", "app/2", "app/3", "app"]
    assert now() == 3


async def test_children_without_anything_to_do_end_last_first() -> None:
    group = Workers(*children("abcde"), name="app")
    ends = ends_of(group)
    await group.startup()
    await group.shutdown()
    assert ends == [f"app/{name}" for name in "edcba"] + ["app"]


async def test_one_childs_slow_or_failing_stop_neither_cancels_nor_delays_a_siblings() -> None:
    """G02, G14, PEERS 11"""
    error = ValueError("in clean-up")
    prompt, failing = child("prompt"), child("failing", shutdown=raising(error))
    stuck = child("stuck", run=deaf, stopping_grace_period=1)
    slow = child("slow", shutdown=lambda _: asyncio.sleep(4))
    group = Workers(prompt, failing, stuck, slow, name="app")
    history = history_of(group, "stopped", "forced", "failed", "abandoned")
    await group.startup()
    assert await end_of(group.shutdown()) is error
    assert history == [
        "failed app/failing",
        "stopped app/prompt",
        "abandoned app/stuck",
        "forced app/stuck",
        "stopped app/slow",
        "failed app",
    ]
    assert now() == 4
    await asyncio.sleep(3600)  # until the deaf one has had enough


# --- in order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 5])
async def test_in_reverse_each_is_asked_when_the_one_after_it_has_ended(number: int) -> None:
    """G08, O01"""
    names = "abcde"[:number]
    members = children(names, shutdown=lambda _: asyncio.sleep(1))
    group = Workers(*members, name="app", stop_in_reverse=True)
    await group.startup()
    history = history_of(group)
    await group.shutdown()
    assert history == [
        "stop app",
        *(f"{verb} app/{name}" for name in reversed(names) for verb in ("stop", "stopped")),
        "stopped app",
    ]
    assert now() == number


async def test_in_reverse_an_adopted_child_has_the_place_where_it_was_declared() -> None:
    members = children("abc")
    await members[1].startup()
    group = Workers(*members, name="app", stop_in_reverse=True)
    ends = ends_of(group)
    await group.startup()
    await group.shutdown()
    assert ends == ["app/c", "app/b", "app/a", "app"]


async def test_in_reverse_a_child_that_has_ended_by_itself_is_passed_over() -> None:
    members = [child("a"), child("b", run=lambda _: asyncio.sleep(1)), child("c")]
    group = Workers(*members, name="app", stop_in_reverse=True)
    ends = ends_of(group)
    await group.startup()
    await group.wait_for_shutdown()
    assert ends == ["app/b", "app/c", "app/a", "app"]


async def test_in_reverse_children_that_end_out_of_turn_do_not_hold_up_the_others() -> None:
    members = children("abc", shutdown=lambda _: asyncio.sleep(2))
    group = Workers(*members, name="app", stop_in_reverse=True)
    await group.startup()
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(1)
    members[0].gracefully_stop()
    await stop
    assert now() == 4


async def test_in_reverse_a_failing_stop_does_not_end_the_sequence() -> None:
    error = ValueError("in clean-up")
    members = [child("a"), child("b", shutdown=raising(error)), child("c")]
    group = Workers(*members, name="app", stop_in_reverse=True)
    history = history_of(group, "stopped", "failed")
    await group.startup()
    assert await end_of(group.shutdown()) is error
    assert history == ["stopped app/c", "failed app/b", "stopped app/a", "failed app"]


async def test_groups_in_groups_keep_their_own_order() -> None:
    """O07, F09"""
    ordered = Workers(*children("ab"), name="ordered", stop_in_reverse=True)
    loose = Workers(*children("cd"), name="loose")
    group = Workers(ordered, loose, name="app", stop_in_reverse=True)
    await group.startup()
    history = history_of(group)
    await group.shutdown()
    assert history == [
        "stop app",
        "stop app/loose",
        "stop app/loose/d",
        "stop app/loose/c",
        "stopped app/loose/d",
        "stopped app/loose/c",
        "stopped app/loose",
        "stop app/ordered",
        "stop app/ordered/b",
        "stopped app/ordered/b",
        "stop app/ordered/a",
        "stopped app/ordered/a",
        "stopped app/ordered",
        "stopped app",
    ]


# --- whoever asks --------------------------------------------------------------------------------


async def test_a_group_reads_stopping_from_the_request_until_its_last_child_has_ended() -> None:
    member = child("a", shutdown=lambda _: asyncio.sleep(4))
    group = Workers(member)
    await group.startup()
    group.gracefully_stop()
    assert group.worker_state is WorkerState.STOPPING
    assert member.worker_state is WorkerState.RUNNING
    await asyncio.sleep(3.9)
    assert group.worker_state is WorkerState.STOPPING
    await group.wait_for_shutdown()
    assert group.worker_state is WorkerState.STOPPED


async def test_a_group_reads_stopping_while_the_end_of_a_child_ends_the_others() -> None:
    slow = child("slow", shutdown=lambda _: asyncio.sleep(4))
    group = Workers(slow, child("brief", run=at_once))
    await group.startup()
    await asyncio.sleep(1)
    assert group.worker_state is WorkerState.STOPPING
    assert not group.is_ready()
    await group.wait_for_shutdown()


@BOTH_ORDERS
async def test_a_hundred_callers_share_one_stop(in_reverse: bool) -> None:
    """G09"""
    members = children("abc", shutdown=lambda _: asyncio.sleep(1))
    group = Workers(*members, name="app", stop_in_reverse=in_reverse)
    history = history_of(group, "stop")
    await group.startup()
    await asyncio.gather(*(group.shutdown() for _ in range(100)))
    assert len(history) == 4
    assert all(member.diary.count("on_shutdown") == 1 for member in members)


@BOTH_ORDERS
async def test_cancelling_a_caller_at_any_step_leaves_the_stop_running(in_reverse: bool) -> None:
    """G10, C06"""
    for step in count():
        members = children("abc", shutdown=steps(2))
        group = Workers(*members, stop_in_reverse=in_reverse)
        await group.startup()
        caller = asyncio.ensure_future(group.shutdown())
        await let_pass(step)
        if caller.done():
            break
        caller.cancel()
        await asyncio.wait([caller])
        group.gracefully_stop()  # where the caller was cancelled before its first step
        await group.wait_for_shutdown()
        assert group.worker_state is WorkerState.STOPPED
        assert_nobody_is_left(group, members)
    assert step > 5


@pytest.mark.parametrize("hook", ["startup", "run", "shutdown"])
@pytest.mark.parametrize("verb", ["gracefully_stop", "shutdown"])
@BOTH_ORDERS
async def test_a_child_may_stop_its_group_from_any_hook(
    hook: str, verb: str, in_reverse: bool
) -> None:
    """G11, G12, C22"""

    async def stop_the_group(worker) -> None:
        asked = getattr(worker.worker_parent.worker_parent, verb)()
        if asked is not None:
            await asked

    inside = child("inside", **{hook: stop_the_group})
    members = [child("a"), inside, child("b")]
    inner = Workers(inside, name="inner")
    group = Workers(members[0], inner, members[2], stop_in_reverse=in_reverse)
    await end_of(group.startup())
    await group.shutdown()
    assert now() < 1
    assert_nobody_is_left(group, [*members, inner])


async def test_waiting_for_the_group_from_inside_a_child_is_refused() -> None:
    """G11"""
    errors: list[BaseException | None] = []

    async def wait(worker) -> None:
        errors.append(await end_of(worker.worker_parent.wait_for_shutdown()))
        await worker.sleep(inf)

    group = Workers(child("a", run=wait), name="app")
    await group.startup()
    await asyncio.sleep(1)
    await group.shutdown()
    assert [type(error) for error in errors] == [WorkerDeadlockError]


@pytest.mark.real
async def test_a_group_can_be_stopped_from_another_thread() -> None:
    group = Workers(*(Idle() for _ in range(3)))
    await group.startup()
    thread = threading.Thread(target=group.gracefully_stop)
    thread.start()
    async with asyncio.timeout(5):
        await group.wait_for_shutdown()
    thread.join()


@BOTH_ORDERS
async def test_a_stop_at_any_step_of_a_childs_end_has_one_result(in_reverse: bool) -> None:
    """G05, P25, C02"""
    error = ValueError("own")
    for step in range(20):
        members = [
            child("a", shutdown=steps(2)),
            child("b", run=steps(4), shutdown=steps(1)),
            child("c", run=lambda w: _fail_after(w, 5, error)),
        ]
        group = Workers(*members, stop_in_reverse=in_reverse)
        await group.startup()
        await let_pass(step)
        raised = await end_of(group.shutdown())
        assert raised in (None, error)
        assert raised is members[2].worker_exit.exception
        assert_nobody_is_left(group, members)


async def _fail_after(worker, number: int, error: BaseException) -> None:
    await steps(number)(worker)
    raise error


async def test_stopping_a_part_of_the_tree_stops_the_whole_since_its_end_is_a_childs_end() -> None:
    inner = Workers(*children("ab"), name="inner")
    group = Workers(inner, child("c"), name="app")
    ends = ends_of(group)
    await group.startup()
    await inner.shutdown()
    await group.wait_for_shutdown()
    assert ends == ["app/inner/b", "app/inner/a", "app/inner", "app/c", "app"]


# --- force ---------------------------------------------------------------------------------------


@BOTH_ORDERS
async def test_force_takes_the_grace_from_all_children_and_from_the_next_ones(
    in_reverse: bool,
) -> None:
    """F02, F09, F12"""
    members = [child(name, run=forever, stopping_grace_period=inf) for name in "abc"]
    inner = Workers(*members, name="inner", stop_in_reverse=in_reverse)
    group = Workers(inner, name="app", stop_in_reverse=in_reverse)
    history = history_of(group, "stopped", "forced", "failed")
    await group.startup()
    stop = asyncio.ensure_future(group.shutdown())
    await asyncio.sleep(1000)
    group._worker.force()
    await stop
    assert now() == 1000
    assert history == [f"forced app/inner/{name}" for name in "cba"] + [
        "forced app/inner",
        "forced app",
    ]
    assert (group.worker_exit.reason, group.worker_exit.code) == ("forced shutdown", 1)


async def test_force_stops_a_group_that_nobody_had_asked() -> None:
    deaf_to_requests, listening = child("deaf", run=forever), child("listening")
    group = Workers(deaf_to_requests, listening)
    await group.startup()
    group._worker.force()
    await group.wait_for_shutdown()
    assert now() == 0
    assert deaf_to_requests.worker_state is WorkerState.FORCE_STOPPED
    assert listening.worker_state is WorkerState.STOPPED


async def test_force_bounds_children_that_refuse_to_end() -> None:
    """F04"""
    members = [child(name, run=deaf_to(100)) for name in "ab"]
    group = Workers(*members, stop_in_reverse=True)
    await group.startup()
    group._worker.force()
    await group.wait_for_shutdown()
    assert now() == 4
    assert all(member.worker_exit.abandoned for member in members)
    await asyncio.sleep(3600)


async def test_force_before_the_start_and_after_the_end_is_nothing() -> None:
    group = Workers(child("a"))
    group._worker.force()
    assert group.worker_state is WorkerState.INIT
    async with group:
        pass
    group._worker.force()
    assert group.worker_state is WorkerState.STOPPED


# --- a group with code of its own ----------------------------------------------------------------


class WithHooks(Workers):
    """Does something before, around and after its children."""

    def __init__(self, *members, before: float = 0, after: float = 0, **options) -> None:
        super().__init__(*members, **options)
        self.before, self.after = before, after
        self.diary: list[str] = []

    async def on_startup(self) -> None:
        self.diary.append("on_startup")

    async def run(self) -> None:
        self.diary.append("before")
        await asyncio.sleep(self.before)
        try:
            await super().run()
        finally:
            self.diary.append("after")
            await asyncio.sleep(self.after)
            self.diary.append("done")

    async def on_shutdown(self) -> None:
        self.diary.append("on_shutdown")


async def test_a_groups_own_hooks_surround_its_children() -> None:
    member = child("a")
    group = WithHooks(member, before=1, after=1)
    await group.startup()
    assert now() == 1
    group.diary.append("started")
    await group.shutdown()
    assert now() == 2
    assert group.diary == ["on_startup", "before", "started", "after", "done", "on_shutdown"]
    assert member.is_stopped()


async def test_a_groups_own_code_is_cancelled_when_it_takes_too_long_after_its_children() -> None:
    group = WithHooks(child("a", shutdown=lambda _: asyncio.sleep(2)), after=inf)
    bound = group.worker_stop_bound
    await group.startup()
    await group.shutdown()
    assert group.worker_state is WorkerState.FORCE_STOPPED
    assert group.diary[-2:] == ["after", "on_shutdown"]
    assert now() <= bound == 17 + 1 + 2 + 5


async def test_force_cuts_a_groups_own_code_before_and_after_its_children() -> None:
    for before, after in ((inf, 0.0), (0.0, inf)):
        began = now()
        member = child("a")
        group = WithHooks(member, before=before, after=after)
        start = asyncio.ensure_future(group.startup())
        await asyncio.sleep(1)
        group._worker.force()
        await end_of(group.wait_for_shutdown())
        await end_of(start)
        assert now() - began == 1
        assert group.worker_state is WorkerState.FORCE_STOPPED
        assert_nobody_is_left(group, [member])


async def test_children_that_are_late_because_of_the_groups_own_code_are_forced_with_it() -> None:
    member = child("a", run=forever)
    await member.startup()
    group = WithHooks(member, before=15)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    await end_of(start)
    # It asks its child at 15 s, and has itself the bound of the child, and one cancel, from 1 s on.
    assert now() == 1 + 17 + 1
    assert member.worker_state is WorkerState.FORCE_STOPPED
    assert not group.worker_exit.abandoned


async def test_a_stop_during_a_groups_own_code_before_its_children_starts_none_of_them() -> None:
    member = child("a")
    group = WithHooks(member, before=5)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    await end_of(start)
    assert now() == 5
    assert not member.has_started()
    assert group.diary[-1] == "on_shutdown"


async def test_a_child_that_ran_before_is_stopped_though_its_group_never_comes_to_run() -> None:
    """No child is orphaned, on any path."""

    class Fails(Workers):
        async def on_startup(self) -> None:
            raise ValueError("no")

    member = child("a")
    await member.startup()
    group = Fails(member)
    assert type(await end_of(group.startup())) is ValueError
    await member.wait_for_shutdown()
    assert now() == 0
    assert member.worker_state is WorkerState.STOPPED
