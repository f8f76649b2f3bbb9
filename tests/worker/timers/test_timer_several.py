"""Several fires at a time: how they are stopped, which of them begin, and what they leave."""

from __future__ import annotations

import asyncio
import gc
import sys

from fluid import Fire, Missed, Overlap, PeriodicWorker, WorkerState, every
from tests.worker.fakes import forever, now
from tests.worker.timers.firing_cast import block_at, end_at, lasting, until, virtual_loop
from tests.worker.timers.several_cast import THREE, Several, end_in_words

# --- a stop --------------------------------------------------------------------------------------


async def test_a_stop_gives_all_calls_the_grace_and_begins_no_other() -> None:
    ticker = Several(lasting(4), lasting(2), forever, stopping_grace_period=5)
    await ticker.startup()
    await until(1.5)
    await ticker.shutdown()
    assert ticker.ends == [(2, "returned", 3), (1, "returned", 4)]
    assert ticker.worker_state is WorkerState.STOPPED


async def test_calls_that_outlast_the_grace_are_cancelled_together() -> None:
    ticker = Several(forever, lasting(2), forever, stopping_grace_period=3)
    await ticker.startup()
    await until(2.5)
    await ticker.shutdown()
    assert [end[1:] for end in ticker.ends] == [
        ("returned", 3),
        ("CancelledError", 5.5),
        ("CancelledError", 5.5),
    ]
    assert ticker.worker_state is WorkerState.FORCE_STOPPED
    assert ticker.worker_exit.errors == ()  # type: ignore[union-attr]


async def test_the_worker_ends_when_the_last_call_of_a_schedule_that_is_over_has_ended() -> None:
    ticker = Several(lasting(9), lasting(1), schedule=every(1, max_fires=2))
    assert await end_in_words(ticker) == "None"
    assert now() == 9


# --- how many, and which -------------------------------------------------------------------------


async def test_max_fires_holds_for_those_that_begin_together_too() -> None:
    ticker = Several(*[lasting(5)] * 9, missed=Missed.all(9), schedule=every(1, max_fires=3))
    block_at(0.5, 8)
    assert await end_in_words(ticker) == "None"
    assert ticker.times == [0, 8.5, 8.5]
    assert [fire.number for fire in ticker.fires] == [1, 2, 3]


async def test_fires_that_are_made_up_for_wait_for_room() -> None:
    ticker = Several(*[lasting(2)] * 9, missed=Missed.all(9), schedule=every(1, max_fires=7))
    block_at(0.5, 5)
    assert await end_in_words(ticker) == "None"
    assert ticker.times == [0, 5.5, 5.5, 5.5, 7.5, 7.5, 8]
    assert [fire.due.second for fire in ticker.fires] == [0, 1, 2, 3, 4, 5, 8]
    assert (await ticker.timer())["skipped"] == 2  # at 6 and 7, behind those that waited


async def test_each_task_has_the_name_of_the_worker_and_the_number_of_its_fire() -> None:
    names = []

    async def act(fire: Fire) -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append((task.get_name(), fire.number))
        await asyncio.sleep(2.5)

    timer = PeriodicWorker(
        act, every(1, max_fires=5), name="mailer", overlap=THREE, missed=Missed.all(3)
    )
    block_at(0.5, 3)
    await timer.startup()
    await timer.wait_for_shutdown()
    assert names == [(f"mailer {number}", number) for number in range(1, 6)]


async def test_concurrent_of_one_is_one_at_a_time() -> None:
    ticker = Several(*[lasting(1.5)] * 9, overlap=Overlap.concurrent(1))
    await end_at(ticker, 4.5)
    assert ticker.times == [0, 2, 4]
    assert (await ticker.timer())["skipped"] == 2


async def test_thousands_of_fires_leave_nothing_behind() -> None:
    """A hundred thousand would leave as little: what one leaves shows in hundreds of them."""

    async def act() -> None:
        await asyncio.sleep(0.0025)

    async def fire(times: int) -> None:
        before = now()
        await until(before + times / 1000)

    timer = PeriodicWorker(act, every(0.001), overlap=Overlap.concurrent(4))
    async with timer:
        await fire(300)
        gc.collect()
        before = sys.getallocatedblocks()
        await fire(1500)
        gc.collect()
        assert sys.getallocatedblocks() - before < 300
        assert len(virtual_loop().live_timers()) < 10
    timer_status = (await timer.status())["timer"]
    assert timer_status["fires"] > 1700
