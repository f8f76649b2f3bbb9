"""How workers end while they are stopped, and what their group makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from fluid import Worker, WorkerCancelled, Workers, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, faults_of, faults_of_each, group_of
from tests.scenarios.stop_cast import lived, raise_planned
from tests.worker.fakes import Recorded, worker_with
from tests.worker.group_cast import end_of, steps

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


class Leaving(Recorded):
    """Ends in a way of its own, when it was asked to stop or after some seconds.

    Attributes:
        left: Whether it has.
    """

    def __init__(self, how: str, after: float = inf, **options) -> None:
        super().__init__(**options)
        self.how = how
        self.after = after
        self.error = Planned(how)
        self.left = False

    async def run(self) -> None:
        self.diary.append("run")
        await (self.sleep(inf) if self.after == inf else asyncio.sleep(self.after))
        self.left = True
        match self.how:
            case "fails":
                raise self.error
            case "is cancelled":
                asyncio.current_task().cancel()
            case "stops itself":
                self.gracefully_stop()

    def assert_its_end_is_its_own(self) -> None:
        """Asserts that its outcome is what it left with."""
        assert self.worker_exit is not None
        match self.how:
            case "fails":
                assert self.worker_exit.exception is self.error
            case "is cancelled":
                assert self.worker_exit.reason == "cancelled"
            case _:
                assert self.worker_state in (STOPPED, FORCED)


def told_by(group: Workers) -> list[BaseException]:
    """Returns what ended a group, and what failed in it afterwards."""
    record = group.worker_exit
    assert record is not None
    return [error for error in (record.exception, *record.errors) if error is not None]


def is_told(worker: Worker, errors: list[BaseException]) -> bool:
    """Returns whether the failure of a worker is among the errors of its group, once."""
    assert worker.worker_exit is not None
    own = worker.worker_exit.exception
    same = [error for error in errors if error is own]
    ours = [error for error in errors if isinstance(error, WorkerCancelled)]
    return len(same) + sum(error.__cause__ is own for error in ours) == 1


HOWS = ("returns", "stops itself", "fails", "is cancelled")


@explored(faults="offered")
async def test_a_dozen_that_end_on_their_own_during_a_stop_are_all_told_of(
    sim: Simulation,
) -> None:
    """G05"""
    chance = sim.random()
    members = [
        Leaving(how, after=chance.choice((0.99, 1, 1, 1, 1.001, 2)), name=f"{how} {number}")
        for how in HOWS
        for number in range(3)
    ]
    chance.shuffle(members)
    group = group_of(*members, stop_in_reverse=chance.choice((False, True)))
    sim.offer("stop group", group.gracefully_stop)
    sim.offer("stop one", members[0].gracefully_stop)
    await lived(sim, group)
    errors = told_by(group) if group.has_started() else []
    for member in members:
        if member.left:
            member.assert_its_end_is_its_own()
            assert member.how in ("returns", "stops itself") or is_told(member, errors)
    assert len(errors) == sum(member.worker_state is FAILED for member in members)
    sim.sometimes("all of them left", all(member.left for member in members))


@pytest.mark.parametrize("how", HOWS)
@explored(faults="offered", swept=True, pairs=20)
async def test_only_an_error_makes_the_end_of_a_stopping_group_a_failure(
    sim: Simulation, how: str
) -> None:
    """G06"""
    ending = Leaving(how, name="ending")
    group = group_of(Breakable(name="a"), ending, worker_with(name="b", shutdown=steps(3)))
    sim.offer("stop group", group.gracefully_stop)
    faults_of(sim, ending)
    await lived(sim, group)
    sim.sometimes("it left on its own", ending.left)
    if ending.left:
        ending.assert_its_end_is_its_own()
    if ending.worker_state is FAILED:
        assert is_told(ending, told_by(group))
        assert (group.worker_state, group.worker_exit.code) == (FAILED, 2)
    elif group.has_started():
        assert (group.worker_state, group.worker_exit.code) == (STOPPED, 0)


@explored(faults="offered", swept=True, pairs=20)
async def test_a_run_that_raises_while_it_is_stopped_is_cleaned_up_after(sim: Simulation) -> None:
    """G13"""
    worker = Leaving("fails", name="worker")
    faults_of(sim, worker)
    await lived(sim, worker)
    sim.sometimes("it raised", worker.left)
    if worker.left:
        assert worker.worker_exit.exception is worker.error
        assert worker.diary[-2:] == ["on_shutdown", ("fails", 2)]


@explored(faults="offered", swept=True, pairs=20)
async def test_a_clean_up_that_raises_fails_the_group_and_every_sibling_is_stopped(
    sim: Simulation,
) -> None:
    """G14"""
    failing = worker_with(name="failing", shutdown=raise_planned)
    siblings = [worker_with(name=name, shutdown=steps(2)) for name in "ab"]
    group = group_of(siblings[0], failing, siblings[1])
    faults_of_each(sim, group, failing)
    await lived(sim, group)
    if "on_shutdown" in failing.diary:
        assert failing.worker_state is FAILED
        assert is_told(failing, told_by(group))
        assert (group.worker_state, group.worker_exit.code) == (FAILED, 2)
    for sibling in siblings:
        assert sibling.worker_exit is None or sibling.worker_exit.exception is None


class Holder(Leaving):
    """Holds two resources, which it enters one after the other, and may fail right after one."""

    def __init__(self, how: str = "returns", fails_after: str | None = None, **options) -> None:
        super().__init__(how, **options)
        self.fails_after = fails_after
        self.entered: list[str] = []
        self.closed: list[str] = []
        self.has_completed = False

    @asynccontextmanager
    async def resource(self, name: str) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        self.entered.append(name)
        try:
            yield
        finally:
            self.closed.append(name)
            await asyncio.sleep(0)

    async def on_startup(self) -> None:
        await super().on_startup()
        for name in "ab":
            await self.worker_exit_stack.enter_async_context(self.resource(name))
            await asyncio.sleep(0)
            if name == self.fails_after:
                raise Planned(name)
        self.has_completed = True


@pytest.mark.parametrize("how", HOWS)
@explored(faults="offered", swept=True, pairs=20)
async def test_a_start_that_succeeded_is_cleaned_up_once_whatever_ended_it(
    sim: Simulation, how: str
) -> None:
    """G15"""
    worker = Holder(how, after=sim.random().choice((0, 1)), name="worker")
    faults_of(sim, worker)
    await lived(sim, worker)
    assert worker.diary.count("on_shutdown") == worker.has_completed
    sim.sometimes("the start did not succeed", not worker.has_completed)


@pytest.mark.parametrize("fails_after", [None, "a", "b"])
@explored(faults="offered", swept=True, pairs=20)
async def test_what_half_a_start_has_entered_is_closed_and_on_shutdown_is_not_called(
    sim: Simulation, fails_after: str | None
) -> None:
    """G16"""
    worker = Holder(fails_after=fails_after, name="worker")
    faults_of(sim, worker)
    await lived(sim, worker)
    assert worker.closed == worker.entered[::-1]
    assert ("on_shutdown" in worker.diary) == worker.has_completed
    if fails_after is None:
        sim.sometimes("it was ended half-way", worker.entered == ["a"])


async def test_a_start_that_cancels_its_own_task_as_it_returns_has_succeeded() -> None:
    """G15: the cancel comes between ``on_startup`` and ``run``."""

    async def startup(worker: Worker) -> None:
        asyncio.current_task().cancel()

    worker = worker_with(startup=startup)
    assert isinstance(await end_of(worker.startup()), asyncio.CancelledError)
    assert worker.diary == ["on_startup", "on_shutdown", ("cancelled", 2)]
