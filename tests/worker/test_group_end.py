"""What follows a child's end: the group stops, and the first error is what it raises."""

from __future__ import annotations

import asyncio
from itertools import combinations

import pytest

from fluid import WorkerCancelled, Workers, WorkerState
from fluid.events import SecondaryError, WorkerFailed
from tests.worker.fakes import at_once, deaf, forever, now, raising
from tests.worker.group_cast import (
    assert_nobody_is_left,
    child,
    children,
    end_of,
    ends_of,
    history_of,
)


def failing_after(seconds: float, error: BaseException):
    """Returns a hook that raises ``error`` later."""

    async def hook(_worker) -> None:
        await asyncio.sleep(seconds)
        raise error

    return hook


def cleaning_up_with(seconds: float, error: BaseException):
    """Returns a hook for ``on_shutdown`` that takes its time and then raises."""
    return failing_after(seconds, error)


def task_of(worker) -> asyncio.Task[object]:
    """Returns the task that a worker of that name lives in."""
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == worker.worker_name)
    return task


# --- an end that is no failure -------------------------------------------------------------------


@pytest.mark.parametrize("how", ["returned", "stopped", "forced", "abandoned"])
async def test_a_child_that_ends_without_an_error_stops_the_others_and_the_group_raises_nothing(
    how: str,
) -> None:
    """G05, G06"""
    runs = {
        "returned": lambda _: asyncio.sleep(1),
        "stopped": None,
        "forced": forever,
        "abandoned": deaf,
    }
    ending = child("ending", run=runs[how], stopping_grace_period=1)
    members = [child("a"), ending, child("b")]
    group = Workers(*members, name="app")
    ends = ends_of(group)
    await group.startup()
    if how != "returned":
        ending.gracefully_stop()
    await group.wait_for_shutdown()
    assert ends == ["app/ending", "app/b", "app/a", "app"]
    assert group.worker_state is WorkerState.STOPPED
    assert (group.worker_exit.reason, group.worker_exit.code) == ("normal shutdown", 0)
    assert group.worker_exit.errors == ()
    await asyncio.sleep(3600)


# --- failures ------------------------------------------------------------------------------------


class Custom(BaseException):
    """Not an Exception."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("crash"),
        ExceptionGroup("two", [ValueError("one"), KeyError("two")]),
        Custom("custom"),
        SystemExit(3),
        KeyboardInterrupt(),
        MemoryError(),
        RecursionError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_group_raises_the_very_error_of_the_child_that_failed(error) -> None:
    """E01, E03, E04, E05, E15, PEERS 13, PEERS 23"""
    members = [child("a"), child("failing", run=failing_after(1, error)), child("b")]
    group = Workers(*members, name="app")
    told: list[WorkerFailed] = []
    group.subscribe(lambda event: told.append(event) if type(event) is WorkerFailed else None)
    await group.startup()
    with pytest.raises(BaseException) as first:
        await group.wait_for_shutdown()
    with pytest.raises(BaseException) as second:
        await group.shutdown()
    assert first.value is second.value is error
    assert group.worker_state is WorkerState.FAILED
    assert group.worker_exit.code == 2
    assert [(event.path, event.origin) for event in told] == [
        ("app/failing", "app/failing"),
        ("app", "app/failing"),
    ]
    assert [member.worker_state for member in (members[0], members[2])] == [WorkerState.STOPPED] * 2


async def test_the_first_error_is_raised_and_what_fails_afterwards_stands_beside_it() -> None:
    """E02, G14"""
    errors = [ValueError(f"{number}") for number in range(4)]
    members = [
        child("a", shutdown=cleaning_up_with(3, errors[3])),
        child("b", shutdown=cleaning_up_with(1, errors[1])),
        child("c", run=failing_after(5, errors[0])),
        child("d", shutdown=cleaning_up_with(2, errors[2])),
        child("e"),
    ]
    group = Workers(*members)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is errors[0]
    assert group.worker_exit.exception is errors[0]
    assert group.worker_exit.errors == tuple(errors[1:])
    assert now() == 8


async def test_an_error_of_a_stop_that_was_asked_for_is_raised_too() -> None:
    """G13, G14"""
    for hook in ("run", "shutdown"):
        error = ValueError("while stopping")
        hooks = {"run": lambda w, e=error: _fail_when_asked(w, e), "shutdown": raising(error)}
        group = Workers(child("a"), child("b", **{hook: hooks[hook]}))
        await group.startup()
        assert await end_of(group.shutdown()) is error
        assert group.worker_state is WorkerState.FAILED


async def _fail_when_asked(worker, error: BaseException) -> None:
    await worker.sleep(1000)
    raise error


@pytest.mark.parametrize("positions", [*combinations(range(3), 2), (0, 1, 2)])
async def test_children_that_fail_in_one_step_are_all_told_in_order_of_their_death(
    positions,
) -> None:
    """E02"""
    errors = {position: ValueError(f"{position}") for position in positions}
    members = [
        child(name, run=failing_after(1, errors[position]) if position in errors else None)
        for position, name in enumerate("abc")
    ]
    group = Workers(*members)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is errors[positions[0]]
    assert group.worker_exit.errors == tuple(errors[position] for position in positions[1:])


async def test_one_error_of_two_children_is_told_once() -> None:
    error = ValueError("shared")
    group = Workers(*children("ab", run=failing_after(1, error)))
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is error
    assert group.worker_exit.errors == ()


async def test_an_error_from_deep_below_is_the_same_object_all_the_way_up() -> None:
    error = ValueError("deep")
    leaf = child("leaf", run=failing_after(1, error))
    inner = Workers(leaf, child("sibling"), name="inner")
    middle = Workers(inner, name="middle")
    group = Workers(child("first"), middle, name="app")
    origins: list[str] = []
    group.subscribe(
        lambda event: origins.append(event.origin) if isinstance(event, WorkerFailed) else None
    )
    ends = ends_of(group)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is error
    assert ends == [
        "app/middle/inner/leaf",
        "app/middle/inner/sibling",
        "app/middle/inner",
        "app/middle",
        "app/first",
        "app",
    ]
    assert set(origins) == {"app/middle/inner/leaf"}


async def test_the_end_of_a_child_is_told_before_that_of_its_group() -> None:
    """O06"""
    inner = Workers(*children("ab"), name="inner")
    group = Workers(inner, child("c", run=at_once), name="app")
    history = history_of(group)
    await group.startup()
    await group.wait_for_shutdown()
    for name, its_group in (("a", "inner"), ("b", "inner")):
        path = f"app/{its_group}/{name}"
        assert history.index(f"stopped {path}") < history.index(f"stopped app/{its_group}")
    assert history[-1] == "stopped app"


# --- cancels that are not ours -------------------------------------------------------------------


async def test_a_child_that_somebody_cancels_fails_the_group_and_cancels_nobody_else() -> None:
    """C20, C21, C03"""
    for how in ("task", "itself"):
        running = forever if how == "task" else _cancel_oneself
        victim = child("victim", run=running)
        sibling = child("sibling")
        group = Workers(sibling, victim, name="app")
        await group.startup()
        await asyncio.sleep(1)
        if how == "task":
            task_of(victim).cancel()
        with pytest.raises(WorkerCancelled, match="worker app/victim was cancelled") as caught:
            await group.wait_for_shutdown()
        assert type(caught.value.__cause__) is asyncio.CancelledError
        assert sibling.worker_state is WorkerState.STOPPED
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def _cancel_oneself(worker) -> None:
    await asyncio.sleep(1)
    task_of(worker).cancel()
    await asyncio.sleep(1)


async def test_a_cancel_deep_below_is_wrapped_once() -> None:
    """C04"""
    victim = child("victim", run=forever)
    inner = Workers(victim, name="inner")
    group = Workers(inner)
    await group.startup()
    await asyncio.sleep(1)
    task_of(victim).cancel()
    error = await end_of(group.wait_for_shutdown())
    assert type(error) is WorkerCancelled
    assert error is inner.worker_exit.exception


@pytest.mark.parametrize("cancels", [1, 3])
async def test_a_group_that_somebody_cancels_stops_its_children_before_the_cancel_goes_on(
    cancels: int,
) -> None:
    """C01, C07"""
    members = children("ab", shutdown=lambda _: asyncio.sleep(2))
    group = Workers(*members, name="app")
    await group.startup()
    for _ in range(cancels):
        task_of(group).cancel()
        await asyncio.sleep(0.5)
    with pytest.raises(asyncio.CancelledError):
        await group.wait_for_shutdown()
    assert now() == 2
    assert (group.worker_state, group.worker_exit.reason) == (WorkerState.FAILED, "cancelled")
    assert all(member.worker_state is WorkerState.STOPPED for member in members)


async def test_an_inner_group_that_somebody_cancels_fails_the_outer_one() -> None:
    inner = Workers(child("a"), name="inner")
    group = Workers(inner, child("b"), name="app")
    await group.startup()
    task_of(inner).cancel()
    error = await end_of(group.wait_for_shutdown())
    assert type(error) is WorkerCancelled
    assert str(error) == "worker app/inner was cancelled by somebody else"


async def test_a_cancel_of_the_group_and_an_error_of_a_child_are_both_seen() -> None:
    """C02"""
    error = ValueError("at the same time")
    failing = child("failing", run=failing_after(1, error))
    group = Workers(failing, child("b"), name="app")
    await group.startup()
    asyncio.get_running_loop().call_later(1, task_of(group).cancel)
    assert await end_of(group.wait_for_shutdown()) is error
    (other,) = group.worker_exit.errors
    assert type(other) is asyncio.CancelledError


async def test_when_everything_is_cancelled_everything_ends() -> None:
    """L08: what asyncio.run does when its main coroutine has ended."""
    members = children("abc", shutdown=lambda _: asyncio.sleep(1))
    inner = Workers(*members[:2], name="inner", stop_in_reverse=True)
    group = Workers(inner, members[2], name="app")
    await group.startup()
    await asyncio.sleep(1)
    me = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not me]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert_nobody_is_left(group, [*members, inner])
    assert group.worker_state is WorkerState.FAILED


# --- the group's own errors ----------------------------------------------------------------------


async def test_an_error_of_the_groups_own_clean_up_fails_it_but_never_hides_a_childs() -> None:
    own = ValueError("own")

    class Failing(Workers):
        async def on_shutdown(self) -> None:
            raise own

    group = Failing(child("a"))
    await group.startup()
    assert await end_of(group.shutdown()) is own

    error = ValueError("child")
    group = Failing(child("a", run=failing_after(1, error)))
    told: list[SecondaryError] = []
    group.subscribe(lambda event: told.append(event) if type(event) is SecondaryError else None)
    await group.startup()
    assert await end_of(group.wait_for_shutdown()) is error
    assert group.worker_exit.errors == (own,)
    assert [event.exception for event in told] == [own]


async def test_the_body_of_async_with_keeps_its_own_error() -> None:
    with pytest.raises(KeyError) as caught:
        async with Workers(child("a", shutdown=raising(ValueError("clean-up"))), name="app"):
            raise KeyError("body")
    assert caught.value.__notes__ == ["worker app failed too (ValueError: clean-up)"]


async def test_a_child_that_is_abandoned_does_not_come_back_to_life_in_its_group() -> None:
    """F10"""
    late = child("late", run=deaf, stopping_grace_period=1)
    group = Workers(late, child("b"), name="app")
    await group.startup()
    await group.shutdown()
    record = group.worker_exit
    await asyncio.sleep(4000)
    assert late.worker_state is WorkerState.FORCE_STOPPED
    assert group.worker_exit is record
