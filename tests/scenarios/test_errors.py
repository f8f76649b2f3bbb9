"""Errors that end a worker: whose they are, whom they reach, and what else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid import WorkerState
from fluid.events import SecondaryError
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    breakables,
    errors_of,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, raising, worker_with
from tests.worker.group_cast import end_of

STOPPED, FAILED = WorkerState.STOPPED, WorkerState.FAILED


class Custom(BaseException):
    """Not an Exception."""


@explored(faults="offered", swept=True, pairs=20)
async def test_of_children_that_fail_in_one_step_all_are_told_of_in_order_of_their_deaths(
    sim: Simulation,
) -> None:
    """E02"""
    members = breakables("abc")
    group = group_of(*members)
    watch = Watch(group)
    for order in ("ab", "ca", "bcb"):
        broken = [members["abc".index(name)] for name in order]
        sim.offer(f"break {order}", lambda broken=broken: [each.break_() for each in broken])
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    for member in reversed(members):
        member.break_()
    error = await stop_at_last(group)
    errors = {member.worker_path: errors_of(member) for member in members}
    told = errors_of(group)
    assert told == sum((errors.get(path, ()) for path in watch.order), ())
    assert not told or error is told[0]
    sim.sometimes("all of them", len(told) == 3)
    watch.assert_it_ended_well()


def bottomless() -> BaseException:
    """Calls itself until Python has had enough."""
    return bottomless()


def two() -> BaseException:
    """Returns two errors in one."""
    return ExceptionGroup("two", [Planned("one"), KeyError("two")])


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (two, ExceptionGroup),
        (lambda: SystemExit(3), SystemExit),
        (KeyboardInterrupt, KeyboardInterrupt),
        (Custom, Custom),
        (MemoryError, MemoryError),
        (bottomless, RecursionError),
    ],
    ids=["group", "exit", "interrupt", "custom", "memory", "recursion"],
)
@explored(faults="offered", swept=True)
async def test_whatever_a_child_raises_ends_the_tree_gracefully_and_stays_what_it_is(
    sim: Simulation, make: Callable[[], BaseException], kind: type[BaseException]
) -> None:
    """E03, E04, E05, E15"""
    raised: list[BaseException] = []

    async def run(worker: Recorded) -> None:
        await worker.sleep(1)
        try:
            raise make()
        except BaseException as error:
            raised.append(error)
            raise

    failing = worker_with(name="failing", run=run)
    inner = group_of(Breakable(name="sibling"), failing, name="inner")
    group = group_of(Breakable(name="other"), inner)
    watch = Watch(group)
    sim.offer("stop it", group.gracefully_stop)
    await end_of(group.startup())  # not in a task, which would let SystemExit out of the loop
    error = await end_of(group.wait_for_shutdown())
    if raised:
        assert type(error) is kind
        assert error is raised[0] is inner.worker_exit.exception is failing.worker_exit.exception
        assert group.worker_exit.code == 2
    others = [worker for worker in (*group.workers(), *inner.workers()) if worker.has_started()]
    assert {worker.worker_state for worker in others if worker not in (inner, failing)} <= {STOPPED}
    sim.sometimes("it raised", bool(raised))
    watch.assert_it_ended_well()


# --- one hook after the other --------------------------------------------------------------------


class Grumpy(Recorded):
    """Raises when all is over."""

    error: BaseException

    def after_shutdown(self, reason: str, code: int) -> None:
        super().after_shutdown(reason, code)
        raise self.error


def failing_in(hook: str, error: BaseException) -> Recorded:
    """Returns a worker one of whose hooks raises ``error``."""

    async def push(worker: Recorded) -> None:
        worker.worker_exit_stack.push_async_callback(raising(error), worker)

    match hook:
        case "on_startup":
            return worker_with(startup=raising(error))
        case "run":
            return worker_with(run=raising(error))
        case "on_shutdown":
            return worker_with(shutdown=raising(error))
        case "exit stack":
            return worker_with(startup=push)
        case _:
            worker = Grumpy(name="made")
            worker.error = error
            return worker


ALL = ["on_startup", "run", "on_shutdown"]

LIVES: dict[str, tuple[list[str], WorkerState]] = {
    "on_startup": (ALL[:1], FAILED),
    "run": (ALL, FAILED),
    "on_shutdown": (ALL, FAILED),
    "exit stack": (ALL, FAILED),
    "after_shutdown": (ALL, STOPPED),
}
"""Which hooks a worker has gone through that fails in one of them, and how it has ended."""


@pytest.mark.parametrize("hook", LIVES)
@pytest.mark.parametrize("kind", [Planned, Custom])
@explored(seeds=20)
async def test_an_error_in_a_hook_leads_to_the_outcome_that_is_documented_for_that_hook(
    sim: Simulation, hook: str, kind: type[BaseException]
) -> None:
    """E13"""
    planned = kind(hook)
    failing, sibling = failing_in(hook, planned), Breakable(name="sibling")
    group = group_of(sibling, failing)
    watch = Watch(group)
    started = await end_of(starting(sim, group))
    await asyncio.sleep(1)
    error = await end_of(group.shutdown())
    hooks, state = LIVES[hook]
    has_failed = state is FAILED
    reason, code = (hook, 2) if has_failed else ("normal shutdown", 0)
    assert failing.diary == [*hooks, (reason, code)]
    assert failing.worker_state is group.worker_state is state
    assert error is (planned if has_failed else None)
    if hook == "on_startup":
        assert started is planned
    secondary = [event.where for event in failing.events if type(event) is SecondaryError]
    assert secondary == ([] if has_failed else [hook])
    assert sibling.worker_state is STOPPED
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_of_two_errors_the_first_is_raised_and_the_second_kept_and_siblings_stop(
    sim: Simulation,
) -> None:
    """E14"""

    class Twice(Breakable):
        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            await asyncio.sleep(0.1)
            raise Planned("second")

    twice, sibling = Twice(name="first"), Breakable(name="sibling")
    group = group_of(twice, sibling)
    watch = Watch(group)
    faults_of_each(sim, twice)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    twice.break_()
    error = await stop_at_last(group)
    texts = [str(error) for error in errors_of(twice)]
    if texts[:1] == ["first"]:
        assert error is errors_of(twice)[0]
        assert texts[1:] in (["second"], [""])  # "": a cancel was quicker
        sim.sometimes("two errors", texts == ["first", "second"])
    elif "run" in twice.diary:
        assert sim.schedule.strikes
    if sibling.has_started():
        assert sibling.worker_state is STOPPED
    watch.assert_it_ended_well()
