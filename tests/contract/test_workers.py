"""``Workers``: a group starts its children in order, and ends when one of them does."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from math import inf, nan
from typing import Any

import pytest

from fluid.errors import GroupClosed, WorkerCancelled
from fluid.utils.errors import FluidValueError, WorkerStartError
from fluid.utils.worker import QueueConsumerWorker, Worker, Workers, WorkerState
from tests.contract.cast import (
    BoomError,
    Brief,
    Deaf,
    Failing,
    Idle,
    Recorder,
    end_of,
    for_ever,
    raising,
    worker_in,
)

NUMBERS = [0, 1, 2, 10]


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def reason_of(worker: Worker) -> str:
    assert worker.worker_exit is not None
    assert worker.is_stopped()
    return worker.worker_exit.reason


def idle(number: int) -> list[Idle]:
    return [Idle(name=f"child{n}") for n in range(number)]


def fails_after(seconds: float, error: BaseException) -> Callable[[], Any]:
    async def fail() -> None:
        await asyncio.sleep(seconds)
        raise error

    return fail


def starts_in(seconds: float, name: str) -> Recorder:
    return Recorder(name=name, on_startup=lambda: asyncio.sleep(seconds), run=for_ever)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """Runs a worker for the length of a block, whatever it ends with."""
    await worker.startup()
    yield
    worker.gracefully_stop()
    await end_of(worker)


# --- what there is to give -----------------------------------------------------------------------


def test_options_are_the_documented_ones() -> None:
    parameters = inspect.signature(Workers).parameters
    assert parameters["workers"].kind is inspect.Parameter.VAR_POSITIONAL
    for name, default in {"name": "", "stopping_grace_period": None, "heartbeat": 0.1}.items():
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[name].default == default


@pytest.mark.parametrize("heartbeat", [0, 0.1, 30, inf])
async def test_heartbeat_is_accepted_and_changes_nothing(heartbeat: float) -> None:
    group = Workers(*idle(2), heartbeat=heartbeat)
    async with group:
        await asyncio.sleep(7)
    assert loop_time() == 7
    assert group.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("heartbeat", [nan, -1, True, "5", None], ids=repr)
def test_heartbeat_that_is_no_duration_is_refused(heartbeat: Any) -> None:
    with pytest.raises(FluidValueError, match="heartbeat of group 'app'"):
        Workers(name="app", heartbeat=heartbeat)


@pytest.mark.parametrize("given", [5, None, "worker", Idle, [Idle()]], ids=lambda g: str(type(g)))
def test_whatever_is_no_worker_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, FluidValueError, WorkerStartError)):
        Workers(given)


# --- its children --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_group_counts_and_yields_its_children_in_the_order_of_addition(number: int) -> None:
    children = idle(number)
    group = Workers(*children)
    assert isinstance(group, Worker)
    assert group.num_workers == number
    assert isinstance(group.workers(), Iterator)
    assert list(group.workers()) == children


@pytest.mark.parametrize("number", NUMBERS)
def test_children_may_be_added_before_the_start(number: int) -> None:
    children = idle(number)
    group = Workers(*children[:1])
    group.add_workers(*children)
    group.add_workers()
    assert list(group.workers()) == children


def test_same_child_is_added_once() -> None:
    child = Idle()
    group = Workers(child, child)
    group.add_workers(child)
    group.add_workers(child, child)
    assert list(group.workers()) == [child]


async def test_same_child_added_again_while_it_runs_is_left_alone() -> None:
    child = Recorder(run=for_ever, stopping_grace_period=0)
    async with Workers(child) as group:
        group.add_workers(child)
        await asyncio.sleep(1)
        assert group.num_workers == 1
    assert child.journal.count("run") == 1


@pytest.mark.parametrize("number", NUMBERS)
async def test_children_added_while_it_runs_are_started_and_stopped_with_it(number: int) -> None:
    first, children = Idle(name="first"), idle(number)
    async with Workers(first) as group:
        await asyncio.sleep(1)
        group.add_workers(*children)
        await asyncio.sleep(1)
        assert all(child.is_running() for child in children)
        assert group.num_workers == number + 1
    assert all(child.worker_state is WorkerState.STOPPED for child in [first, *children])


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
async def test_child_that_is_running_already_is_adopted_and_stopped_with_the_group(
    when: str,
) -> None:
    child = Recorder(run=lambda: child.sleep(inf))
    await child.startup()
    group = Workers(Idle(), *([child] if when == "before the start" else []))
    async with group:
        group.add_workers(child)
        await asyncio.sleep(1)
        assert child.is_running()
        assert child.worker_parent is group
    assert child.worker_state is WorkerState.STOPPED
    assert child.journal.count("on_startup") == 1


async def test_end_of_an_adopted_child_ends_the_group() -> None:
    error = BoomError("boom")
    child = Recorder(run=fails_after(5, error))
    await child.startup()
    group = Workers(Idle(), child)
    await group.startup()
    assert await end_of(group) is error
    assert loop_time() == 5


@pytest.mark.parametrize(
    "state", [WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED]
)
async def test_child_that_has_ended_is_refused(state: WorkerState) -> None:
    async with worker_in(state) as child:
        with pytest.raises(FluidValueError, match="'subject' cannot join group"):
            Workers(child)


@pytest.mark.parametrize("state", ["stopping", "stopped"])
async def test_group_that_is_stopping_or_has_ended_takes_nobody(state: str) -> None:
    group = Workers(Deaf(stopping_grace_period=1), name="app")
    async with group:
        await asyncio.sleep(1)
        if state == "stopping":
            group.gracefully_stop()
            with pytest.raises(GroupClosed, match="'app' cannot take 'idle'"):
                group.add_workers(Idle())
    with pytest.raises(GroupClosed):
        group.add_workers(Idle())
    assert group.num_workers == 1


# --- starting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_startup_returns_when_every_child_is_running(number: int) -> None:
    children = idle(number)
    group = Workers(*children)
    await group.startup()
    assert group.worker_state is WorkerState.RUNNING
    assert all(child.worker_state is WorkerState.RUNNING for child in children)
    await group.shutdown()
    assert reason_of(group) == "normal shutdown"


async def test_children_start_one_after_the_other() -> None:
    first, second, third = (starts_in(n, f"child{n}") for n in (1, 2, 3))
    group = Workers(first, second, third)
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(0.5)
    assert [len(child.journal) for child in (first, second, third)] == [1, 0, 0]
    await asyncio.sleep(1)
    assert [len(child.journal) for child in (first, second, third)] == [2, 1, 0]
    await start
    assert loop_time() == 6
    await group.shutdown()


@pytest.mark.parametrize("number", NUMBERS)
async def test_group_is_running_right_after_startup_even_if_a_child_ends_at_once(
    number: int,
) -> None:
    group = Workers(*idle(number), Brief())
    await group.startup()
    assert group.worker_state is WorkerState.RUNNING
    await group.wait_for_shutdown()
    assert reason_of(group) == "normal shutdown"


async def test_start_that_fails_because_a_child_ended_meanwhile_names_that_child() -> None:
    group = Workers(Brief(), starts_in(5, "slow"), name="app")
    with pytest.raises(WorkerStartError, match="brief") as caught:
        await group.startup()
    assert str(caught.value).startswith("worker 'app' did not start: ")
    assert "it was stopped" not in str(caught.value)
    assert group.is_stopped()


async def test_error_of_a_child_that_raises_as_soon_as_it_runs_is_the_groups() -> None:
    error = BoomError("boom")
    group = Workers(Idle(), Failing(error))
    with pytest.raises(BoomError) as caught:
        async with group:
            await group.wait_for_shutdown()
    assert caught.value is error
    assert group.worker_state is WorkerState.FAILED
    assert await end_of(group) is error


async def test_child_that_fails_to_start_fails_the_group_and_stops_what_was_started() -> None:
    error = BoomError("no port")
    first = Recorder(name="first", run=lambda: first.sleep(inf))
    third = Recorder(name="third")
    group = Workers(first, Recorder(name="second", on_startup=raising(error)), third)
    with pytest.raises(BoomError) as caught:
        await group.startup()
    assert caught.value is error
    assert first.worker_state is WorkerState.STOPPED
    assert "on_shutdown" in first.journal
    assert third.worker_state is WorkerState.INIT
    assert third.journal == []
    assert group.worker_state is WorkerState.FAILED


# --- stopping ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_request_to_stop_reaches_every_child(number: int) -> None:
    children = idle(number)
    group = Workers(*children)
    await group.startup()
    group.gracefully_stop()
    assert group.worker_state is WorkerState.STOPPING
    await group.wait_for_shutdown()
    assert all(child.worker_state is WorkerState.STOPPED for child in children)
    assert reason_of(group) == "normal shutdown"


async def test_children_stop_together_and_the_group_ends_with_the_last() -> None:
    children = [Deaf(name=f"{n}", stopping_grace_period=n) for n in (1, 5, 3)]
    group = Workers(*children)
    async with group:
        await asyncio.sleep(1)
    assert loop_time() == 6
    assert all(child.worker_state is WorkerState.FORCE_STOPPED for child in children)


async def test_request_to_stop_before_the_start_is_forgotten() -> None:
    group = Workers(*idle(2))
    group.gracefully_stop()
    async with group:
        assert all(child.is_running() for child in group.workers())


async def test_waiting_for_a_group_never_started_returns_at_once_and_leaves_it_init() -> None:
    group = Workers(*idle(2))
    await group.wait_for_shutdown()
    await group.shutdown()
    assert loop_time() == 0
    assert group.worker_state is WorkerState.INIT
    assert all(child.worker_state is WorkerState.INIT for child in group.workers())


@pytest.mark.parametrize("place", [0, 1, 3])
async def test_group_ends_when_any_child_ends(place: int) -> None:
    children: list[Worker] = [*idle(3)]
    children.insert(place, Recorder(run=lambda: asyncio.sleep(5)))
    group = Workers(*children)
    await group.startup()
    await group.wait_for_shutdown()
    assert loop_time() == 5
    assert group.worker_state is WorkerState.STOPPED
    assert all(child.worker_state is WorkerState.STOPPED for child in children)


# --- how it ends ---------------------------------------------------------------------------------


class RecordedGroup(Workers):
    """Keeps what ``after_shutdown`` is told."""

    told: tuple[str, int] | None = None

    def after_shutdown(self, reason: str, code: int) -> None:
        self.told = reason, code


async def test_child_that_was_merely_stopped_ends_the_group_without_an_error() -> None:
    child, other = idle(2)
    group = RecordedGroup(child, other)
    await group.startup()
    child.gracefully_stop()
    await group.wait_for_shutdown()
    assert group.worker_state is other.worker_state is WorkerState.STOPPED
    assert group.told == ("normal shutdown", 0)


@pytest.mark.parametrize("asked", ["the child", "the group"])
async def test_child_that_was_force_stopped_ends_the_group_without_an_error(asked: str) -> None:
    child, other = Deaf(stopping_grace_period=2), Idle()
    group = RecordedGroup(child, other)
    await group.startup()
    (child if asked == "the child" else group).gracefully_stop()
    await group.wait_for_shutdown()
    assert loop_time() == 2
    assert child.worker_state is WorkerState.FORCE_STOPPED
    assert other.worker_state is WorkerState.STOPPED
    assert group.told == ("normal shutdown", 0)


async def test_child_that_failed_ends_the_group_with_its_own_error() -> None:
    error = BoomError("boom")
    others = idle(3)
    group = RecordedGroup(*others, Recorder(name="bad", run=fails_after(5, error)))
    await group.startup()
    assert await end_of(group) is error
    assert await end_of(group) is error
    assert group.worker_state is WorkerState.FAILED
    assert all(child.worker_state is WorkerState.STOPPED for child in others)
    assert group.told == ("boom", 2)


async def test_group_raises_the_error_that_ended_it_and_keeps_those_that_came_later() -> None:
    first, second = BoomError("first"), BoomError("second")
    late = Recorder(name="late", run=lambda: late.sleep(inf), on_shutdown=raising(second))
    group = Workers(late, Recorder(name="early", run=fails_after(5, first)))
    await group.startup()
    assert await end_of(group) is first
    assert group.worker_exit is not None
    assert group.worker_exit.errors == (second,)


async def test_child_that_fails_while_the_group_stops_is_what_the_group_raises() -> None:
    error = BoomError("cannot close")
    child = Recorder(run=lambda: child.sleep(inf), on_shutdown=raising(error))
    group = Workers(Idle(), child)
    await group.startup()
    with pytest.raises(BoomError) as caught:
        await group.shutdown()
    assert caught.value is error


async def test_child_cancelled_by_somebody_else_fails_the_group_and_cancels_nobody() -> None:
    cancel = asyncio.CancelledError("not by fluid")
    group = Workers(Idle(), Recorder(name="bad", run=fails_after(1, cancel)))
    await group.startup()
    error = await end_of(group)
    assert isinstance(error, WorkerCancelled)
    assert error.__cause__ is cancel
    assert "workers/bad" in str(error)


@pytest.mark.parametrize("depth", [1, 2, 5])
async def test_error_of_a_worker_deep_below_is_the_same_object_at_the_top(depth: int) -> None:
    error = BoomError("boom")
    worker: Worker = Recorder(run=fails_after(1, error))
    for level in range(depth):
        worker = Workers(worker, Idle(), name=f"level{level}")
    await worker.startup()
    assert await end_of(worker) is error


async def test_hooks_of_a_group_run_around_its_children() -> None:
    journal: list[str] = []
    child = Recorder(name="child", run=lambda: child.sleep(inf))

    class Framed(Workers):
        async def on_startup(self) -> None:
            journal.append(f"on_startup {child.worker_state}")

        async def on_shutdown(self) -> None:
            journal.append(f"on_shutdown {child.worker_state}")

        def after_shutdown(self, reason: str, code: int) -> None:
            journal.append(f"after_shutdown {reason} {code}")

    async with Framed(child):
        journal.append(f"body {child.worker_state}")
    assert journal == [
        "on_startup init",
        "body running",
        "on_shutdown stopped",
        "after_shutdown normal shutdown 0",
    ]


# --- status --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_status_of_a_group_is_that_of_each_child_by_its_name(number: int) -> None:
    children = idle(number)
    group = Workers(*children)
    async with group:
        status = await group.status()
        assert list(status) == [child.worker_name for child in children]
        for entry in status.values():
            assert entry["running"] is True
            assert entry["stopping"] is False
    status = await group.status()
    assert all(entry["running"] is False for entry in status.values())
    assert json.loads(json.dumps(status, allow_nan=False)) == status


async def test_children_of_one_name_are_told_apart_by_a_number() -> None:
    group = Workers(Idle(), Idle(), Idle())
    assert list(await group.status()) == ["idle", "idle-2", "idle-3"]


async def test_status_of_a_group_in_a_group_is_nested() -> None:
    inner = Workers(QueueConsumerWorker(for_ever, name="jobs"), name="inner")  # type: ignore[arg-type]
    status = await Workers(inner, Idle(), name="outer").status()
    assert list(status) == ["inner", "idle"]
    assert list(status["inner"]) == ["jobs"]
    assert status["inner"]["jobs"]["queue_size"] == 0


async def test_child_whose_status_fails_or_hangs_does_not_hide_the_others() -> None:
    class Broken(Idle):
        async def status(self) -> dict[str, Any]:
            raise BoomError("boom")

    class Hanging(Idle):
        async def status(self) -> dict[str, Any]:
            await for_ever()
            raise AssertionError

    status = await Workers(Broken(), Hanging(), Idle()).status()
    assert status["broken"]["error"] == {"type": "BoomError", "message": "boom"}
    assert status["hanging"]["error"]["type"] == "TimeoutError"
    assert status["idle"]["running"] is False


# --- a tree --------------------------------------------------------------------------------------


async def test_child_knows_its_parent_and_its_path() -> None:
    leaf = Idle(name="parser")
    inner = Workers(leaf, name="ingest")
    outer = Workers(inner, name="app")
    assert leaf.worker_parent is inner
    assert inner.worker_parent is outer
    assert outer.worker_parent is None
    assert leaf.worker_path == "app/ingest/parser"


async def test_group_cannot_be_started_twice() -> None:
    group = Workers(*idle(2))
    async with running(group):
        with pytest.raises(WorkerStartError):
            await group.startup()
        assert group.is_running()
    with pytest.raises(WorkerStartError):
        await group.startup()
