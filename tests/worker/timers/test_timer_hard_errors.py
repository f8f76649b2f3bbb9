"""Errors that no policy is for: those that end a process, cancels, groups, and the last of all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fluid import Backoff, Overlap, PeriodicWorker, Supervisor, WorkerState, every
from fluid.events import FireFailed, WorkerFailed
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import Ticker, end_at, ended, failing, until

EVEN = Backoff(initial=1, factor=2, maximum=60, jitter=0)

each_way = pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
each_policy = pytest.mark.parametrize("errors", ["fail", "continue", EVEN], ids=str)


@each_way
@each_policy
@pytest.mark.parametrize("wrong", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
async def test_what_is_to_end_the_process_ends_the_worker_whatever_errors_says(
    overlap: Overlap, errors: Any, wrong: BaseException
) -> None:
    ticker = Ticker(failing(wrong), overlap=overlap, errors=errors)
    assert await ended(ticker) is wrong
    assert ticker.worker_state is WorkerState.FAILED


@each_way
@each_policy
async def test_a_cancel_that_the_function_raises_itself_is_a_failure(
    overlap: Overlap, errors: Any
) -> None:
    ticker = Ticker(failing(asyncio.CancelledError("mine"), 2), overlap=overlap, errors=errors)
    error = await ended(ticker)
    assert isinstance(error, asyncio.CancelledError)
    assert error.args == ("mine",)
    assert ticker.worker_state is WorkerState.FAILED
    assert (now(), ticker.worker_exit.reason) == (10, "cancelled")  # type: ignore[union-attr]


@each_way
async def test_a_group_of_errors_is_an_error_like_any_other(overlap: Overlap) -> None:
    both = ExceptionGroup("both", [OSError(), ValueError()])
    ticker = Ticker(failing(both, 1), overlap=overlap, errors="continue")
    await end_at(ticker, 15)
    assert ticker.times == [0, 10]
    assert ticker.seen(FireFailed)[0].exception is both
    assert await ended(Ticker(failing(both), overlap=overlap)) is both


@each_way
async def test_a_group_with_an_error_that_ends_the_process_ends_the_worker(
    overlap: Overlap,
) -> None:
    both = BaseExceptionGroup("both", [OSError(), SystemExit(3)])
    assert await ended(Ticker(failing(both), overlap=overlap, errors="continue")) is both


@each_way
async def test_a_time_limit_inside_of_the_function_is_the_functions_own(overlap: Overlap) -> None:
    async def act(_number: int) -> None:
        async with asyncio.timeout(3):
            await asyncio.sleep(5)

    ticker = Ticker(act, overlap=overlap, errors="continue")
    await end_at(ticker, 25)
    assert ticker.times == [0, 10, 20]
    assert [type(event.exception) for event in ticker.seen(FireFailed)] == [TimeoutError] * 3


async def test_a_supervisor_restarts_a_timer_that_has_failed() -> None:
    ticker = Ticker(failing(OSError(), 2))
    async with Supervisor(ticker, name="app", backoff=Backoff(1, factor=1, jitter=0)):
        await until(25)
    assert ticker.times == [0, 10, 11, 21]
    assert len(ticker.seen(WorkerFailed)) == 1


async def test_a_worker_that_fails_in_its_last_fire_has_failed() -> None:
    async def fail() -> None:
        raise OSError

    timer = PeriodicWorker(fail, every(1, max_fires=1))
    await timer.startup()
    assert isinstance(await end_of(timer.wait_for_shutdown()), OSError)
    assert timer.worker_state is WorkerState.FAILED
