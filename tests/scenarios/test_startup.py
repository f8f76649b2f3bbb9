"""Starting one worker: when ``startup()`` returns, what it raises, and what is left then."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import QueueConsumerWorker, WorkerFunction, Workers, WorkerStartError
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Announcing,
    Breakable,
    Planned,
    Watch,
    assert_the_starter_was_told,
    faults_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import now
from tests.worker.group_cast import Idle, end_of

ONE_THING = 0.25
"""Seconds."""


class Taker(Breakable):
    """Takes three things while it starts, each of which takes its time, and may be broken then."""

    def __init__(self, **options) -> None:
        super().__init__(**{"name": "taker", **options})
        self.held: list[str] = []

    async def on_startup(self) -> None:
        await super().on_startup()
        for thing in "abc":
            self.worker_exit_stack.push_async_callback(self.give_back, thing)
            self.held.append(thing)
            self.breaks = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait([self.breaks], timeout=ONE_THING)
                if self.breaks.done():
                    self.breaks.result()
            finally:
                self.breaks.cancel()
        self.diary.append("has all")

    async def give_back(self, thing: str) -> None:
        """Takes its time, too."""
        try:
            await asyncio.sleep(0.01)
        finally:
            self.held.remove(thing)

    @property
    def has_all(self) -> bool:
        """Whether ``on_startup`` has ended well."""
        return "has all" in self.diary


@explored(faults="offered", swept=True, pairs=50)
async def test_what_on_startup_raises_comes_out_of_startup_and_nothing_is_left(sim: Simulation):
    """S09, S15"""
    worker = Taker()
    watch = Watch(worker)
    faults_of(sim, worker)
    error = await end_of(starting(sim, worker))
    assert_the_starter_was_told(worker, error)
    sim.sometimes("on_startup raised", isinstance(error, Planned))
    if isinstance(error, Planned) and not worker.has_all:
        assert worker.is_stopped()
        assert worker.held == []
        assert worker.diary == ["on_startup", ("taker", 2)]
        assert await end_of(worker.wait_for_shutdown()) is error
    await stop_at_last(worker)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=50)
async def test_startup_returns_when_on_startup_has_ended_and_not_before(sim: Simulation):
    """S14"""
    worker = Taker()
    watch = Watch(worker)
    faults_of(sim, worker)

    async def start() -> None:
        await worker.startup()
        assert worker.has_all
        assert worker.is_ready() == worker.is_running()
        assert 3 * ONE_THING <= now() <= 3 * ONE_THING + LATE

    start_task = asyncio.ensure_future(start())
    sim.offer("cancel the starter", start_task.cancel)
    error = await end_of(start_task)
    assert not isinstance(error, AssertionError), error
    assert error is None or sim.schedule.strikes
    assert_the_starter_was_told(worker, error)
    await stop_at_last(worker)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=50)
async def test_startup_of_an_announcing_worker_returns_when_it_says_so(sim: Simulation):
    """S14"""
    worker = Announcing(ONE_THING, name="announcing")
    watch = Watch(worker)
    faults_of(sim, worker)
    error = await end_of(starting(sim, worker))
    assert_the_starter_was_told(worker, error)
    if error is None:
        assert now() >= ONE_THING
    assert worker.is_ready() == worker.is_running()
    await stop_at_last(worker)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=100)
async def test_a_stop_during_on_startup_cancels_it_and_gives_back_what_it_had_taken(
    sim: Simulation,
):
    """S18: whoever asked, ``run`` and ``on_shutdown`` follow only an ``on_startup`` that ended."""
    worker = Taker()
    watch = Watch(worker)
    faults_of(sim, worker)
    asked_half_way = False

    def stop() -> None:
        nonlocal asked_half_way
        asked_half_way = worker.is_running() and not worker.has_all
        worker.gracefully_stop()

    sim.offer("stop", stop)
    error = await end_of(starting(sim, worker))
    assert_the_starter_was_told(worker, error)
    sim.sometimes("asked half-way", asked_half_way)
    if asked_half_way:
        assert error is not None
        assert worker.is_stopped()
        assert not worker.is_ready()
        assert now() <= 3 * ONE_THING + LATE
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    assert worker.held == []
    assert ("on_shutdown" in worker.diary) == worker.has_all
    assert worker.has_all or "run" not in worker.diary


@explored(faults="offered", swept=True, pairs=50)
async def test_a_stop_before_the_first_step_is_not_lost_and_no_hook_begins(sim: Simulation):
    """S19"""
    worker = Breakable(name="early")
    watch = Watch(worker)
    asked_in_time = False

    def stop() -> None:
        nonlocal asked_in_time
        asked_in_time = asked_in_time or (worker.is_running() and worker.diary == [])
        worker.gracefully_stop()

    sim.offer("stop", stop)
    sim.offer("force", worker._worker.force)
    start = starting(sim, worker)
    for _ in range(sim.random().randrange(4)):
        await asyncio.sleep(0)
    stop()
    error = await end_of(start)
    sim.sometimes("before the first step", asked_in_time)
    sim.sometimes("before the start", error is None)
    if asked_in_time:
        assert isinstance(error, (WorkerStartError, asyncio.CancelledError))
        assert worker.diary == [("stopped during start-up", 0)]
    await stop_at_last(worker)
    watch.assert_it_ended_well()


async def _nothing(*_: object) -> None:
    """Does nothing."""


DEFAULTS = {
    "a worker": (Idle, 10 + 2 * 1 + 5),
    "a function": (lambda: WorkerFunction(_nothing), 17),
    "a consumer": (lambda: QueueConsumerWorker(_nothing), 17),
    "an empty group": (Workers, 0),
    "groups": (lambda: Workers(Idle(), Workers(Idle())), 17),
    "a group in order": (lambda: Workers(Idle(), Idle(), stop_in_reverse=True), 34),
    "a group of the patient": (lambda: Workers(Idle(stopping_grace_period=inf)), inf),
}


@pytest.mark.parametrize(("make", "bound"), DEFAULTS.values(), ids=DEFAULTS)
def test_what_was_not_given_has_a_default_that_can_be_read_back(
    monkeypatch: pytest.MonkeyPatch, make, bound: float
):
    """S26: a grace of 10 seconds, and none of its own for a group."""
    monkeypatch.delenv("FLUID_STOPPING_GRACE_PERIOD", raising=False)
    worker = make()
    assert worker.worker_stop_bound == bound
    assert (worker.cancel_period, worker.cleanup_period, worker.start_timeout) == (1, 5, None)
    assert worker.announces_readiness == isinstance(worker, Workers)
    assert worker.worker_parent is None
    assert worker.worker_exit is None
