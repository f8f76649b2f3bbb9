"""What becomes of an error: the worker fails with it, goes on, or tries again until it succeeds."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, Overlap, WorkerState, every
from fluid.events import FireFailed, LateEnd
from tests.worker.fakes import deaf, now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker, end_at, ended, failing, until

EVEN = Backoff(initial=1, factor=2, maximum=60, jitter=0)

each_way = pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)


# --- fail ----------------------------------------------------------------------------------------


@each_way
async def test_an_error_ends_the_worker_and_every_waiter_gets_the_very_same(
    overlap: Overlap,
) -> None:
    """K03"""
    error = OSError("no route")
    ticker = Ticker(failing(error, 3), overlap=overlap)
    await ticker.startup()
    early = asyncio.ensure_future(end_of(ticker.wait_for_shutdown()))
    assert await early is error
    assert await end_of(ticker.wait_for_shutdown()) is error
    assert await end_of(ticker.shutdown()) is error
    assert ticker.times == [0, 10, 20]
    assert ticker.worker_exit is not None
    assert ticker.worker_exit.exception is error
    assert (ticker.worker_exit.code, ticker.worker_exit.reason) == (2, "no route")
    assert ticker.worker_exit.errors == ()
    assert not ticker.seen(FireFailed)


@each_way
async def test_the_traceback_begins_in_the_function(overlap: Overlap) -> None:
    error = await ended(Ticker(failing(OSError()), overlap=overlap))
    assert error is not None
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    assert traceback is not None
    assert traceback.tb_frame.f_code is failing(OSError()).__code__


@each_way
async def test_the_status_says_what_has_failed_and_when(overlap: Overlap) -> None:
    ticker = Ticker(failing(OSError("no route"), 2), overlap=overlap)
    await ended(ticker)
    timer = await ticker.timer()
    assert timer["failed"] == 1
    assert timer["last_error"] == {
        "type": "OSError",
        "message": "no route",
        "at": "2000-01-01T00:00:10+00:00",
    }


# --- continue ------------------------------------------------------------------------------------


@each_way
async def test_with_continue_the_next_fire_comes_and_failures_are_counted(overlap: Overlap) -> None:
    """K03"""
    error = OSError("no route")
    ticker = Ticker(failing(error, 1, 3), overlap=overlap, errors="continue")
    await end_at(ticker, 35)
    assert ticker.times == [0, 10, 20, 30]
    assert [(event.exception, event.delay) for event in ticker.seen(FireFailed)] == [
        (error, None),
        (error, None),
    ]
    timer = await ticker.timer()
    assert (timer["fires"], timer["failed"]) == (4, 2)
    assert timer["last_error"]["at"] == "2000-01-01T00:00:20+00:00"
    assert ticker.worker_state is WorkerState.STOPPED


async def test_a_fire_that_fails_is_one_of_those_that_a_schedule_has() -> None:
    ticker = Ticker(failing(OSError()), errors="continue", schedule=every(10, max_fires=3))
    assert await ended(ticker) is None
    assert ticker.times == [0, 10, 20]


async def test_errors_is_read_at_each_failure() -> None:
    ticker = Ticker(failing(OSError()), errors="continue")
    await ticker.startup()
    await until(15)
    ticker.errors = "fail"
    assert isinstance(await end_of(ticker.wait_for_shutdown()), OSError)
    assert now() == 20


# --- again ---------------------------------------------------------------------------------------


@each_way
async def test_with_a_backoff_a_call_is_made_again_after_its_waits_until_it_succeeds(
    overlap: Overlap,
) -> None:
    ticker = Ticker(failing(OSError(), 1, 2, 3), schedule=every(100), errors=EVEN, overlap=overlap)
    await end_at(ticker, 150)
    assert ticker.times == [0, 1, 3, 7, 100]
    assert [event.delay for event in ticker.seen(FireFailed)] == [1, 2, 4]
    assert [fire.number for fire in ticker.fires] == [1, 1, 1, 1, 2]
    timer = await ticker.timer()
    assert (timer["fires"], timer["failed"]) == (2, 3)


async def test_a_success_puts_the_waits_back_to_the_first() -> None:
    ticker = Ticker(failing(OSError(), 1, 2, 4, 5), schedule=every(100), errors=EVEN)
    await end_at(ticker, 150)
    assert ticker.times == [0, 1, 3, 100, 101, 103]


async def test_a_backoff_without_waits_calls_again_in_the_same_instant() -> None:
    ticker = Ticker(failing(OSError(), 1, 2), errors=Backoff(initial=0))
    await end_at(ticker, 5)
    assert ticker.times == [0, 0, 0]
    assert [event.delay for event in ticker.seen(FireFailed)] == [0, 0]


async def test_a_backoff_without_waits_still_gives_everybody_else_a_turn() -> None:
    ticker = Ticker(failing(OSError()), errors=Backoff(initial=0))
    await ticker.startup()
    for _ in range(10):
        await asyncio.sleep(0)
    before = len(ticker.times)
    await ticker.shutdown()
    assert 0 < before <= len(ticker.times) <= before + 2


async def test_fires_that_come_due_meanwhile_overlap() -> None:
    ticker = Ticker(failing(OSError(), 1, 2, 3, 4, 5), errors=EVEN)
    await end_at(ticker, 45)
    assert ticker.times == [0, 1, 3, 7, 15, 31, 40]
    assert (await ticker.timer())["skipped"] == 3


async def test_with_several_at_once_each_call_has_waits_of_its_own() -> None:
    async def act(number: int) -> None:
        if ticker.fires[-1].number == 1 and number < 7:
            raise OSError

    ticker = Ticker(act, errors=EVEN, overlap=Overlap.concurrent(2))
    await end_at(ticker, 25)
    assert ticker.times == [0, 1, 3, 7, 10, 15, 20]
    assert [fire.number for fire in ticker.fires] == [1, 1, 1, 1, 2, 1, 3]


@each_way
async def test_a_stop_during_the_wait_ends_the_worker_at_once_and_without_an_error(
    overlap: Overlap,
) -> None:
    ticker = Ticker(failing(OSError()), errors=Backoff(50, maximum=60), overlap=overlap)
    await end_at(ticker, 3)
    assert now() == 3
    assert ticker.times == [0]
    assert ticker.worker_state is WorkerState.STOPPED


@each_way
async def test_a_call_that_fails_after_it_was_abandoned_is_not_made_again(overlap: Overlap) -> None:
    """Its waits would go on for ever, in a task that nobody can stop any more."""

    async def act(_number: int) -> None:
        await deaf(ticker)
        raise OSError

    ticker = Ticker(act, errors=EVEN, overlap=overlap, stopping_grace_period=0)
    await end_at(ticker, 5)
    assert ticker.worker_exit.abandoned  # type: ignore[union-attr]
    await asyncio.sleep(4000)
    assert ticker.times == [0]
    assert ticker.seen(LateEnd)


@each_way
async def test_the_waits_are_reproducible_by_the_seed(overlap: Overlap) -> None:
    async def waits(seed: int) -> list[float | None]:
        ticker = Ticker(
            failing(OSError(), *range(1, 6)), errors=Backoff(1), overlap=overlap, seed=seed
        )
        await end_at(ticker, now() + 60)
        return [event.delay for event in ticker.seen(FireFailed)]

    first = await waits(5)
    assert len(set(first)) == 5
    assert await waits(5) == first
    assert await waits(6) != first
