"""Stop-aware waits: ``sleep`` and ``wait_or_stop``."""

from __future__ import annotations

import asyncio
from math import inf, nan

import pytest

from fluid import FluidValueError, WorkerState
from tests.worker.fakes import at_once, deaf_to, forever, now, raising, worker_with


async def started(run, **hooks):
    """Returns a running worker and the list into which ``run`` writes."""
    worker = worker_with(run=run, **hooks)
    await worker.startup()
    return worker


async def test_a_sleep_that_nobody_interrupts_takes_its_time_and_is_true() -> None:
    async def run(worker) -> None:
        worker.diary.append((await worker.sleep(5), now()))

    worker = await started(run)
    await worker.wait_for_shutdown()
    assert (True, 5) in worker.diary


@pytest.mark.parametrize("seconds", [5, inf])
async def test_a_stop_ends_a_sleep_at_once_and_it_is_false(seconds: float) -> None:
    """G20"""

    async def run(worker) -> None:
        worker.diary.append((await worker.sleep(seconds), now()))

    worker = await started(run)
    await asyncio.sleep(2)
    await worker.shutdown()
    assert (False, 2) in worker.diary


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_no_time_still_gives_the_loop_a_step(seconds: float) -> None:
    steps = []

    async def run(worker) -> None:
        asyncio.get_running_loop().call_soon(steps.append, "other")
        slept = await worker.sleep(seconds)
        steps.append(slept)

    worker = await started(run)
    await worker.wait_for_shutdown()
    assert steps == ["other", True]


async def test_a_loop_that_ignores_what_sleep_says_is_slowed_down_while_stopping() -> None:
    async def run(worker) -> None:
        for _ in range(100):
            await worker.sleep(60)

    worker = await started(run)
    await asyncio.sleep(30)
    await worker.shutdown()
    assert now() == pytest.approx(30 + 99 * 0.01)


async def test_a_sleep_in_on_shutdown_is_a_plain_sleep() -> None:
    async def shutdown(worker) -> None:
        worker.diary.append((await worker.sleep(2), now()))

    worker = await started(at_once, shutdown=shutdown)
    await worker.wait_for_shutdown()
    assert (True, 2) in worker.diary


async def test_a_sleep_before_the_start_is_a_plain_sleep() -> None:
    assert await worker_with().sleep(3)
    assert now() == 3


async def test_a_sleep_of_not_a_number_is_refused() -> None:
    with pytest.raises(FluidValueError, match="cannot sleep for nan"):
        await worker_with().sleep(nan)


async def test_a_cancelled_sleep_leaves_no_timer_behind() -> None:
    """Left-over timers fail the test by themselves."""
    worker = await started(lambda worker: worker.sleep(10**5))
    worker.gracefully_stop()
    await worker.wait_for_shutdown()


# --- wait_or_stop -------------------------------------------------------------------------------


async def test_waiting_returns_the_result_of_what_is_awaited() -> None:
    async def answer() -> int:
        await asyncio.sleep(1)
        return 42

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(answer()))

    worker = await started(run)
    await worker.wait_for_shutdown()
    assert 42 in worker.diary


async def test_waiting_raises_what_is_raised() -> None:
    worker = await started(lambda w: w.wait_or_stop(raising(ValueError("inner"))(w)))
    with pytest.raises(ValueError, match="inner"):
        await worker.wait_for_shutdown()


async def test_a_stop_ends_the_wait_with_the_default_and_the_coroutine_is_cancelled() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            ended.append(now())

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(endless(), default="stopped"))

    worker = await started(run)
    await asyncio.sleep(1)
    await worker.shutdown()
    assert "stopped" in worker.diary
    assert ended == [1]


async def test_what_a_coroutine_took_before_it_was_cancelled_is_not_lost() -> None:
    """C09"""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(inf)
        except asyncio.CancelledError:
            return "item"
        return "never"

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(stubborn()))

    worker = await started(run)
    await asyncio.sleep(1)
    await worker.shutdown()
    assert "item" in worker.diary


async def test_a_result_in_the_instant_of_the_stop_is_not_lost() -> None:
    """C16"""
    future = asyncio.get_running_loop().create_future()

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(future))

    worker = await started(run)
    await asyncio.sleep(1)
    worker.gracefully_stop()
    future.set_result("item")
    await worker.wait_for_shutdown()
    assert "item" in worker.diary


async def test_a_future_stays_the_callers_and_is_left_alone() -> None:
    future = asyncio.get_running_loop().create_future()

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(future))

    worker = await started(run)
    await asyncio.sleep(1)
    await worker.shutdown()
    assert None in worker.diary
    assert not future.done()


async def test_a_coroutine_deaf_to_its_cancel_holds_the_stop_no_longer_than_its_bound() -> None:
    worker = await started(lambda w: w.wait_or_stop(deaf_to(2)(w)))
    await asyncio.sleep(1)
    await worker.shutdown()
    assert now() <= 1 + worker.worker_stop_bound
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    await asyncio.sleep(3600)


async def test_cancelling_the_worker_cancels_what_it_waits_for() -> None:
    """C15"""
    ended = []

    async def endless() -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            ended.append(now())

    async def run(worker) -> None:
        async with asyncio.timeout(3):
            await worker.wait_or_stop(endless())

    worker = await started(run)
    with pytest.raises(TimeoutError):
        await worker.wait_for_shutdown()
    assert ended == [3]


async def test_outside_of_its_run_a_wait_is_a_plain_wait() -> None:
    async def answer() -> int:
        return 42

    async def shutdown(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(answer()))

    assert await worker_with().wait_or_stop(answer()) == 42
    worker = await started(at_once, shutdown=shutdown)
    await worker.wait_for_shutdown()
    assert 42 in worker.diary


async def test_any_awaitable_will_do() -> None:
    class Answer:
        def __await__(self):
            yield from asyncio.sleep(1).__await__()
            return 42

    async def run(worker) -> None:
        worker.diary.append(await worker.wait_or_stop(Answer()))

    worker = await started(run)
    await worker.wait_for_shutdown()
    assert 42 in worker.diary


async def test_a_forever_that_is_waited_for_does_not_hold_a_graceful_stop() -> None:
    worker = await started(lambda w: w.wait_or_stop(forever(w)))
    await asyncio.sleep(1)
    await worker.shutdown()
    assert now() == 1
    assert worker.worker_state is WorkerState.STOPPED


async def test_what_goes_wrong_on_the_way_out_of_a_cancelled_wait_is_not_swallowed() -> None:
    async def rolls_back_badly() -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            raise OSError("rollback failed")

    worker = await started(lambda w: w.wait_or_stop(rolls_back_badly()), stopping_grace_period=1)
    await asyncio.sleep(1)
    asyncio.get_running_loop().call_soon(worker._worker.force)
    with pytest.raises(OSError, match="rollback failed"):
        await worker.wait_for_shutdown()
