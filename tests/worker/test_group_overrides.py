"""Children that override public verbs, and misbehave: the group stays bounded, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Any

import pytest

from fluid import WorkerCancelled, Workers, WorkerStartError, WorkerState
from fluid.events import LateEnd, SecondaryError, WorkerAbandoned, WorkerEvent
from tests.worker.fakes import Recorded, deaf_to, forever, now, raising
from tests.worker.group_cast import (
    assert_nobody_is_left,
    child,
    end_of,
    ends_of,
    history_of,
    let_pass,
    steps,
)


def with_startup(override: Callable[..., Any], name: str = "odd", **hooks) -> Recorded:
    """Returns a child whose ``startup()`` is the given function of itself and the real one."""
    worker = child(name, **hooks)

    class Odd(type(worker)):
        async def startup(self) -> None:
            await override(self, super().startup)

    worker.__class__ = Odd
    return worker


def with_stop(override: Callable[..., Any], **hooks) -> Recorded:
    """Returns a child whose ``gracefully_stop()`` is the given function of itself and the real."""
    worker = child("odd", **hooks)

    class Odd(type(worker)):
        def gracefully_stop(self) -> None:
            override(self, super().gracefully_stop)

    worker.__class__ = Odd
    return worker


# --- startup -------------------------------------------------------------------------------------


async def test_a_childs_own_startup_is_awaited_before_the_next_child_starts() -> None:
    async def slow(worker, real) -> None:
        await asyncio.sleep(1)
        await real()
        await asyncio.sleep(2)

    odd, after = with_startup(slow), child("after")
    group = Workers(odd, after, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(2.9)
    assert odd.is_running()
    assert not group.is_ready()
    assert not after.has_started()
    await start
    assert now() == 3
    added = with_startup(slow, name="added")
    group.add_workers(added)
    await asyncio.sleep(2.9)
    assert added.is_ready()
    assert not group.is_ready()
    await group.wait_ready()
    assert now() == 6
    await group.shutdown()
    assert_nobody_is_left(group, [odd, after, added])


async def test_a_startup_that_raises_before_the_real_one_fails_the_groups_start() -> None:
    error = ValueError("before")
    first = child("first")
    odd = with_startup(lambda _w, _real: raising(error)(_w))
    group = Workers(first, odd)
    assert await end_of(group.startup()) is error
    assert not odd.has_started()
    assert_nobody_is_left(group, [first, odd])


async def test_a_startup_that_raises_after_the_real_one_leaves_no_child_behind() -> None:
    error = ValueError("after")

    async def fail(worker, real) -> None:
        await real()
        raise error

    first, odd = child("first"), with_startup(fail, run=forever)
    group = Workers(first, odd, name="app")
    told: list[SecondaryError] = []
    group.subscribe(lambda event: told.append(event) if type(event) is SecondaryError else None)
    assert await end_of(group.startup()) is error
    assert now() == 0
    assert odd.worker_state is WorkerState.FORCE_STOPPED
    assert [(event.path, event.where) for event in told] == [("app/odd", "startup")]
    assert_nobody_is_left(group, [first, odd])


async def test_an_error_that_a_startup_lets_through_is_told_once() -> None:
    error = ValueError("real")

    async def through(worker, real) -> None:
        await real()

    group = Workers(with_startup(through, startup=raising(error)))
    told: list[WorkerEvent] = []
    group.subscribe(told.append)
    assert await end_of(group.startup()) is error
    assert not any(isinstance(event, SecondaryError) for event in told)
    assert group.worker_exit.errors == ()


async def test_a_startup_that_wraps_the_real_error_is_told_beside_it() -> None:
    error, wrapper = ValueError("real"), KeyError("wrapper")

    async def wrap(worker, real) -> None:
        try:
            await real()
        except ValueError as caught:
            raise wrapper from caught

    group = Workers(with_startup(wrap, startup=raising(error)))
    assert await end_of(group.startup()) is error
    assert group.worker_exit.errors == (wrapper,)


async def test_a_startup_that_swallows_the_real_error_fails_the_groups_start_all_the_same() -> None:
    error = ValueError("real")

    async def swallow(worker, real) -> None:
        await end_of(real())

    group = Workers(with_startup(swallow, startup=raising(error)))
    assert await end_of(group.startup()) is error


async def test_a_startup_that_never_starts_the_worker_fails_the_groups_start() -> None:
    async def nothing(worker, real) -> None:
        pass

    group = Workers(child("first"), with_startup(nothing), name="app")
    error = await end_of(group.startup())
    assert isinstance(error, WorkerStartError)
    assert str(error) == (
        "worker 'odd' did not start: its startup() did not call super().startup()"
    )


async def test_a_startup_that_leaves_the_real_one_to_a_task_starts_nothing_after_the_group() -> (
    None
):
    """G21"""
    tasks: list[asyncio.Task[None]] = []

    async def elsewhere(worker, real) -> None:
        async def later() -> None:
            await asyncio.sleep(5)
            await real()

        tasks.append(asyncio.ensure_future(later()))

    odd = with_startup(elsewhere)
    group = Workers(odd)
    assert isinstance(await end_of(group.startup()), WorkerStartError)
    (task,) = tasks
    assert isinstance(await end_of(task), WorkerStartError)
    assert not odd.has_started()


async def test_a_startup_that_is_not_a_coroutine_fails_the_groups_start() -> None:
    class Plain(Recorded):
        def startup(self):
            return None

    group = Workers(child("first"), Plain(name="plain"))
    assert isinstance(await end_of(group.startup()), TypeError)


async def test_not_even_system_exit_leaves_a_startup_past_its_group() -> None:
    """E04"""
    error = SystemExit(3)
    first = child("first")
    group = Workers(first, with_startup(lambda w, _real: raising(error)(w)))
    with pytest.raises(SystemExit) as caught:
        await group.startup()
    assert caught.value is error
    assert first.is_stopped()


async def test_a_startup_that_somebody_cancels_fails_the_groups_start() -> None:
    """C20"""
    odd = with_startup(lambda w, _real: forever(w))
    group = Workers(odd)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "startup of odd")
    task.cancel()
    assert type(await end_of(start)) is WorkerCancelled


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_startup_that_hangs_is_cancelled_when_the_group_stops(when: str) -> None:
    """S18"""

    async def hang(worker, real) -> None:
        if when == "after":
            await real()
        await asyncio.sleep(inf)

    odd, first = with_startup(hang), child("first")
    group = Workers(first, odd, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(5)
    group.gracefully_stop()
    error = await end_of(start)
    assert str(error) == "worker 'app' did not start: it was stopped"
    assert now() == 5
    assert group.worker_state is WorkerState.STOPPED
    assert_nobody_is_left(group, [first, odd])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("cancels", "seconds"), [(1, 1), (inf, 2)])
async def test_a_startup_that_refuses_to_end_is_abandoned_and_reported(
    when: str, cancels: float, seconds: float
) -> None:
    """S21, F04"""

    async def refuse(worker, real) -> None:
        if when == "after":
            await real()
        await deaf_to(cancels)(worker)

    odd, first = with_startup(refuse), child("first")
    group = Workers(first, odd, name="app")
    told: list[WorkerAbandoned] = []
    group.subscribe(lambda event: told.append(event) if type(event) is WorkerAbandoned else None)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(5)
    group.gracefully_stop()
    assert isinstance(await end_of(start), WorkerStartError)
    assert now() == 5 + seconds
    assert group.worker_exit.abandoned == (cancels == inf)
    assert [(event.path, event.phase) for event in told] == [("app/odd", "startup")] * (
        cancels == inf
    )
    assert all("fakes.py" in event.stack[-2] for event in told)
    assert_nobody_is_left(group, [first, odd])
    late: list[WorkerEvent] = []
    odd.subscribe(late.append)
    await asyncio.sleep(4000)
    assert [type(event) for event in late] == [LateEnd] * (cancels == inf)
    assert_nobody_is_left(group, [first, odd])


async def test_a_startup_that_starts_its_worker_after_it_was_cancelled_is_refused() -> None:
    async def late(worker, real) -> None:
        try:
            await asyncio.sleep(inf)
        except asyncio.CancelledError:
            await real()

    odd = with_startup(late)
    group = Workers(odd, name="app")
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    assert isinstance(await end_of(start), WorkerStartError)
    assert not odd.has_started()
    assert group.worker_state is WorkerState.STOPPED


async def test_a_startup_keeps_the_groups_deadline() -> None:
    async def refuse(worker, real) -> None:
        await deaf_to(inf)(worker)

    group = Workers(with_startup(refuse), stopping_grace_period=0.5)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    await end_of(start)
    assert now() == 1.5
    await asyncio.sleep(4000)


async def test_a_group_with_odd_startups_can_be_ended_at_any_step() -> None:
    async def slow(worker, real) -> None:
        await let_pass(2)
        await real()
        await let_pass(2)

    for how in ("stop", "cancel"):
        for step in count():
            members = [
                with_startup(slow, name=name, startup=steps(1), shutdown=steps(1)) for name in "ab"
            ]
            group = Workers(*members, name="app")
            ends = ends_of(group)
            start = asyncio.ensure_future(group.startup())
            await let_pass(step)
            if start.done():
                await group.shutdown()
                break
            if how == "stop":
                group.gracefully_stop()
            else:
                start.cancel()
            await end_of(start)
            await group.shutdown()
            assert_nobody_is_left(group, members)
            assert ends[-1:] == ["app"] * group.has_started()
        assert step > 10


# --- gracefully_stop -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(1), asyncio.CancelledError()])
@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
async def test_a_gracefully_stop_that_raises_keeps_nobody_from_being_stopped(
    error: BaseException, in_reverse: bool
) -> None:
    """PEERS 11"""

    def fail(worker, real) -> None:
        raise error

    odd = with_stop(fail)
    members = [child("a"), odd, child("b")]
    group = Workers(*members, name="app", stop_in_reverse=in_reverse)
    history = history_of(group, "stopped", "forced")
    await group.startup()
    raised = await end_of(group.shutdown())
    assert raised is error or (isinstance(raised, WorkerCancelled) and raised.__cause__ is error)
    assert now() < 1
    assert sorted(history) == ["stopped app/a", "stopped app/b", "stopped app/odd"]
    assert group.worker_state is WorkerState.FAILED


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
async def test_a_gracefully_stop_that_does_not_pass_the_request_on_ends_with_the_grace(
    in_reverse: bool,
) -> None:
    odd = with_stop(lambda _worker, _real: None)
    members = [child("a"), odd, child("b")]
    group = Workers(*members, stop_in_reverse=in_reverse)
    await group.startup()
    await group.shutdown()
    assert now() == pytest.approx(10, abs=0.1)
    assert now() <= group.worker_stop_bound
    assert_nobody_is_left(group, members)


async def test_a_gracefully_stop_that_waits_before_it_passes_the_request_on_may_do_so() -> None:
    odd = with_stop(lambda _w, real: asyncio.get_running_loop().call_later(3, real))
    group = Workers(child("a"), odd)
    await group.startup()
    await group.shutdown()
    assert now() == 3
    assert odd.worker_state is WorkerState.STOPPED


async def test_an_inner_group_that_does_not_pass_the_request_on_is_bounded() -> None:
    class Deaf(Workers):
        def gracefully_stop(self) -> None:
            pass

    members = [child("a"), child("b")]
    inner = Deaf(*members, name="inner")
    group = Workers(inner, child("c"), name="app")
    await group.startup()
    await group.shutdown()
    assert now() <= group.worker_stop_bound
    assert_nobody_is_left(group, [*members, inner])


# --- status --------------------------------------------------------------------------------------


class OddStatus(Recorded):
    """Has a ``status()`` of its own."""

    def __init__(self, name: str, answer: Callable[[], Any]) -> None:
        super().__init__(name=name)
        self.answer = answer

    async def status(self) -> dict[str, Any]:
        answer = self.answer()
        return await answer if asyncio.iscoroutine(answer) else answer


async def _refuse() -> None:
    await deaf_to(inf)(child("nobody"))


def _raise() -> None:
    raise ValueError("no status")


def _exit() -> None:
    raise SystemExit(1)


async def test_a_status_that_fails_hangs_or_refuses_to_end_does_not_hide_the_others() -> None:
    """H11"""
    answers: dict[str, Callable[[], Any]] = {
        "fails": _raise,
        "exits": _exit,
        "hangs": lambda: asyncio.sleep(inf),
        "refuses": _refuse,
        "answers": lambda: {"x": 1},
        "slow": lambda: asyncio.sleep(0.5, {"y": 2}),
    }
    odd = [OddStatus(name, answer) for name, answer in answers.items()]
    inner = Workers(*odd[:3], name="inner")
    group = Workers(inner, *odd[3:], child("plain"), name="app")
    async with group:
        status = await group.status()
        assert now() == 1
        assert list(status) == ["inner", "refuses", "answers", "slow", "plain"]
        late = {"error": {"type": "TimeoutError", "message": "status() took too long"}}
        assert status.pop("plain")["running"] is True
        assert status == {
            "inner": {
                "fails": {"error": {"type": "ValueError", "message": "no status"}},
                "exits": {"error": {"type": "SystemExit", "message": "1"}},
                "hangs": late,
            },
            "refuses": late,
            "answers": {"x": 1},
            "slow": {"y": 2},
        }
    await asyncio.sleep(4000)


async def test_a_status_without_anything_odd_takes_no_step_of_the_loop() -> None:
    group = Workers(child("a"), Workers(child("b"), name="inner"), name="app")
    async with group:
        with pytest.raises(StopIteration) as caught:
            group.status().send(None)
        status = caught.value.value
        assert list(status) == ["a", "inner"]
        assert status["inner"]["b"]["state"] == "running"


async def test_cancelling_a_status_leaves_nothing_behind() -> None:
    """H13"""
    group = Workers(OddStatus("hangs", lambda: asyncio.sleep(inf)))
    async with group:
        asking = asyncio.ensure_future(group.status())
        await let_pass(3)
        asking.cancel()
        assert type(await end_of(asking)) is asyncio.CancelledError
        await let_pass(2)
        assert not [task for task in asyncio.all_tasks() if "status" in task.get_name()]
        assert group.is_running()
