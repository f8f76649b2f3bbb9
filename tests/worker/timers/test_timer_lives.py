"""A periodic worker is a worker: it starts, stops itself, is asked from inside, and cleans up."""

from __future__ import annotations

import asyncio
import gc

import pytest

from fluid import (
    Fire,
    Overlap,
    PeriodicWorker,
    Supervisor,
    WorkerDeadlockError,
    WorkerStartError,
    WorkerState,
    every,
)
from fluid.testing import leaks
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker, end_at, failing, lasting, until

each_way = pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)


# --- its beginning -------------------------------------------------------------------------------


async def test_a_schedule_begins_with_run_and_not_with_the_start() -> None:
    class Slow(Ticker):
        async def on_startup(self) -> None:
            await asyncio.sleep(7)

    ticker = Slow()
    await end_at(ticker, 30)
    assert ticker.times == [7, 17, 27]


async def test_a_worker_is_ready_before_its_first_fire_has_ended() -> None:
    ticker = Ticker(lasting(5))
    await ticker.startup()
    assert (now(), ticker.is_ready()) == (0, True)
    await asyncio.sleep(1)
    assert ticker.is_ready()
    await ticker.shutdown()
    assert now() == 5


@each_way
async def test_a_stop_before_the_first_step_calls_nothing(overlap: Overlap) -> None:
    ticker = Ticker(overlap=overlap)
    await ticker.startup()
    if not ticker.times:  # an eager task has fired already
        await ticker.shutdown()
        assert ticker.times == []
    await ticker.shutdown()
    assert ticker.worker_state is WorkerState.STOPPED


async def test_a_worker_runs_once_as_every_worker_does() -> None:
    ticker = Ticker()
    await end_at(ticker, 5)
    with pytest.raises(WorkerStartError, match="ticker"):
        await ticker.startup()


async def test_a_subclass_may_compute_its_options_before_it_calls_super() -> None:
    class Computed(PeriodicWorker):
        def __init__(self, seconds: float) -> None:
            self.times: list[float] = []
            self.schedule = every(seconds)
            self.overlap = Overlap.QUEUE_ONE
            super().__init__()

        async def on_fire(self) -> None:
            self.times.append(now())

    computed = Computed(4)
    await end_at(computed, 9)
    assert computed.times == [0, 4, 8]


async def test_a_supervisor_can_make_it_from_its_class() -> None:
    class Counting(PeriodicWorker):
        schedule = every(1)
        fires = 0

        async def on_fire(self, fire: Fire) -> None:
            Counting.fires += 1

    async with Supervisor(Counting):
        await asyncio.sleep(2.5)
    assert Counting.fires == 3


# --- from inside ---------------------------------------------------------------------------------


@each_way
@pytest.mark.parametrize("how", ["gracefully_stop", "shutdown"])
async def test_a_call_may_stop_its_own_worker(overlap: Overlap, how: str) -> None:
    async def act(number: int) -> None:
        if number == 2:
            if how == "shutdown":
                await ticker.shutdown()
            else:
                ticker.gracefully_stop()
            await asyncio.sleep(3)

    ticker = Ticker(act, overlap=overlap)
    await ticker.startup()
    await ticker.wait_for_shutdown()
    assert (ticker.times, now()) == ([0, 10], 13)
    assert ticker.worker_state is WorkerState.STOPPED


@each_way
async def test_a_call_that_waits_for_its_own_worker_is_told_that_this_cannot_end(
    overlap: Overlap,
) -> None:
    async def act(_number: int) -> None:
        await ticker.wait_for_shutdown()

    ticker = Ticker(act, overlap=overlap)
    await ticker.startup()
    assert isinstance(await end_of(ticker.wait_for_shutdown()), WorkerDeadlockError)


@each_way
async def test_a_call_that_sleeps_as_a_worker_does_is_woken_by_a_stop(overlap: Overlap) -> None:
    slept: list[bool] = []

    async def act(_number: int) -> None:
        slept.append(await ticker.sleep(1000))

    ticker = Ticker(act, overlap=overlap)
    await end_at(ticker, 4)
    assert (slept, now()) == ([False], 4)


@each_way
async def test_two_workers_may_stop_each_other(overlap: Overlap) -> None:
    async def stop_the_other(_number: int) -> None:
        other.gracefully_stop()
        await other.wait_for_shutdown()

    other = Ticker(name="other", overlap=overlap)
    ticker = Ticker(stop_the_other, schedule=every(15, first="after"), overlap=overlap)
    async with other, ticker:
        await until(20)
        assert other.worker_state is WorkerState.STOPPED
    assert (other.times, ticker.times) == ([0, 10], [15])


# --- its end -------------------------------------------------------------------------------------


@each_way
async def test_the_cleanup_comes_when_the_last_call_has_ended(overlap: Overlap) -> None:
    diary: list[object] = []

    class Written(Ticker):
        async def on_startup(self) -> None:
            self.worker_exit_stack.callback(diary.append, "stack")

        async def on_shutdown(self) -> None:
            diary.append(("on_shutdown", now()))

    async def act(_number: int) -> None:
        await asyncio.sleep(8)
        diary.append(("call", now()))

    await end_at(Written(act, overlap=overlap), 2)
    assert diary == [("call", 8), ("on_shutdown", 8), "stack"]


@each_way
async def test_a_worker_that_is_over_tells_whoever_waits(overlap: Overlap) -> None:
    ticker = Ticker(lasting(1), schedule=every(10, max_fires=2), overlap=overlap)
    await ticker.startup()
    await ticker.wait_for_shutdown()
    assert now() == 11
    assert ticker.worker_exit is not None
    assert (ticker.worker_exit.reason, ticker.worker_exit.code) == ("normal shutdown", 0)


@each_way
@pytest.mark.parametrize("fails", [False, True])
async def test_hundreds_of_fires_leave_nothing_not_even_for_the_collector(
    overlap: Overlap, *, fails: bool
) -> None:
    """L02"""

    async def tick() -> None:
        await asyncio.sleep(0.5)
        if fails:
            raise OSError

    async def live(fires: int) -> None:
        schedule = every(1, max_fires=fires)
        timer = PeriodicWorker(tick, schedule, errors="continue", overlap=overlap)
        await end_at(timer, now() + fires)

    await live(5)
    gc.collect()
    with leaks():
        await live(300)


async def test_a_stopped_worker_that_failed_before_keeps_its_account() -> None:
    ticker = Ticker(failing(OSError(), 1), errors="continue")
    await end_at(ticker, 15)
    assert ticker.worker_exit is not None
    assert ticker.worker_exit.exception is None
    assert (await ticker.timer())["failed"] == 1


async def test_a_subclass_may_have_a_name_that_it_only_knows_later() -> None:
    class Late(Ticker):
        def __init__(self) -> None:
            super().__init__()
            self.given = "late"

        @property
        def worker_name(self) -> str:
            return self.given

    late = Late()
    await end_at(late, 5)
    assert (late.worker_name, late.times) == ("late", [0])
