"""``WorkerFunction``: awaits a function, then its heartbeat, while it is running."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
from collections.abc import Awaitable, Callable
from math import inf, nan
from typing import Any

import pytest

from fluid.utils.errors import FluidValueError
from fluid.utils.worker import Worker, WorkerFunction, WorkerState
from tests.contract.cast import BoomError, Deaf, end_of


class Clocked:
    """An async function that takes its time and notes when it is called."""

    def __init__(self, takes: float = 0) -> None:
        self.takes = takes
        self.calls: list[float] = []

    async def __call__(self) -> None:
        self.calls.append(asyncio.get_running_loop().time())
        if self.takes:
            await asyncio.sleep(self.takes)


def counting(counts: list[int]) -> Callable[[], Awaitable[None]]:
    async def count() -> None:
        counts[0] += 1

    return count


async def nothing() -> None: ...


# --- what there is to give -----------------------------------------------------------------------


def test_options_are_the_documented_ones() -> None:
    signature = inspect.signature(WorkerFunction)
    options = {name: (p.kind.name, p.default) for name, p in signature.parameters.items()}
    assert options.pop("run_function") == ("POSITIONAL_OR_KEYWORD", inspect.Parameter.empty)
    assert options == {
        "name": ("KEYWORD_ONLY", ""),
        "stopping_grace_period": ("KEYWORD_ONLY", None),
        "heartbeat": ("KEYWORD_ONLY", 0),
    }


def test_it_is_a_single_worker() -> None:
    worker = WorkerFunction(run_function=nothing)
    assert isinstance(worker, Worker)
    assert worker.num_workers == 1
    assert list(worker.workers()) == [worker]


@pytest.mark.parametrize("heartbeat", [nan, -1, -inf, True, "5", None], ids=repr)
def test_heartbeat_that_is_no_duration_is_refused(heartbeat: Any) -> None:
    with pytest.raises(FluidValueError, match="heartbeat of worker 'poller'"):
        WorkerFunction(nothing, name="poller", heartbeat=heartbeat)


# --- the rhythm ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takes", "heartbeat", "calls"),
    [(0, 3, [0, 3, 6, 9]), (1, 3, [0, 4, 8]), (2.5, 0, [0, 2.5, 5, 7.5, 10]), (0, inf, [0])],
)
async def test_heartbeat_is_the_time_from_the_end_of_a_call_to_the_start_of_the_next(
    takes: float, heartbeat: float, calls: list[float]
) -> None:
    function = Clocked(takes)
    async with WorkerFunction(function, heartbeat=heartbeat):
        await asyncio.sleep(10.5)
    assert function.calls == calls


async def test_stop_interrupts_the_heartbeat_and_is_not_a_forced_one() -> None:
    function = Clocked()
    worker = WorkerFunction(function, heartbeat=30)
    await worker.startup()
    await asyncio.sleep(5)
    await worker.shutdown()
    assert asyncio.get_running_loop().time() == 5
    assert worker.worker_state is WorkerState.STOPPED
    assert function.calls == [0]


async def test_stop_lets_the_call_in_hand_end_and_makes_no_other() -> None:
    function = Clocked(takes=4)
    worker = WorkerFunction(function, heartbeat=30)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert asyncio.get_running_loop().time() == 4
    assert worker.worker_state is WorkerState.STOPPED
    assert function.calls == [0]


async def test_call_that_does_not_end_is_cancelled_after_the_grace_period() -> None:
    worker = WorkerFunction(Deaf().run, heartbeat=1, stopping_grace_period=3)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert asyncio.get_running_loop().time() == 4
    assert worker.worker_state is WorkerState.FORCE_STOPPED


@pytest.mark.parametrize("heartbeat", [0, 30])
async def test_function_may_stop_its_own_worker(heartbeat: float) -> None:
    function = Clocked()

    async def third_time_lucky() -> None:
        await function()
        if len(function.calls) == 3:
            worker.gracefully_stop()

    worker = WorkerFunction(third_time_lucky, heartbeat=heartbeat)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert function.calls == [0, heartbeat, 2 * heartbeat]
    assert worker.worker_state is WorkerState.STOPPED


async def test_function_is_not_called_when_the_stop_comes_before_its_first_turn() -> None:
    function = Clocked()
    worker = WorkerFunction(function)
    await worker.startup()
    worker.gracefully_stop()
    await worker.wait_for_shutdown()
    assert function.calls == []


@pytest.mark.parametrize("steps", [0, 1, 100])
async def test_zero_heartbeat_gives_everybody_else_a_turn_between_two_calls(steps: int) -> None:
    counts = [0]
    async with WorkerFunction(counting(counts)):
        for _ in range(steps):
            await asyncio.sleep(0)
        calls = counts[0]
    assert calls <= steps + 1
    assert calls >= steps // 3


@pytest.mark.real
async def test_zero_heartbeat_lets_timers_fire() -> None:
    counts = [0]
    async with asyncio.timeout(20), WorkerFunction(counting(counts)):
        for wanted in (1, 2, 3):
            while counts[0] < wanted:
                await asyncio.sleep(0.001)


async def test_nothing_is_left_of_the_rhythm_after_the_stop() -> None:
    function = Clocked()
    async with WorkerFunction(function, heartbeat=1):
        await asyncio.sleep(1.5)
    await asyncio.sleep(60)
    assert function.calls == [0, 1]


# --- how it ends ---------------------------------------------------------------------------------


async def test_error_of_the_function_ends_the_worker_and_reaches_its_waiters() -> None:
    error = BoomError("boom")

    async def fail() -> None:
        raise error

    worker = WorkerFunction(fail, heartbeat=1)
    await worker.startup()
    assert await end_of(worker) is error
    assert worker.worker_state is WorkerState.FAILED


async def test_function_that_cancels_itself_ends_the_worker() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    worker = WorkerFunction(give_up, heartbeat=1)
    await worker.startup()
    assert isinstance(await end_of(worker), asyncio.CancelledError)
    assert worker.is_stopped()


# --- what counts as a function -------------------------------------------------------------------


class Job:
    """Has an async method."""

    def __init__(self) -> None:
        self.calls = 0

    async def work(self, amount: int = 1) -> None:
        self.calls += amount


@pytest.mark.parametrize(
    "function_of",
    [
        lambda job: job.work,
        lambda job: functools.partial(job.work, 1),
        lambda job: lambda: job.work(),
        lambda job: lambda: asyncio.ensure_future(job.work()),
    ],
    ids=["a method", "a partial", "a lambda around a coroutine", "a lambda around a task"],
)
async def test_whatever_returns_an_awaitable_is_a_function(
    function_of: Callable[[Job], Callable[[], Awaitable[None]]],
) -> None:
    job = Job()
    async with WorkerFunction(function_of(job), heartbeat=1):
        await asyncio.sleep(2.5)
    assert job.calls == 3


@pytest.mark.parametrize("given", [None, 5, "poll", [], Job()], ids=lambda g: type(g).__name__)
def test_whatever_is_no_function_is_refused_with_the_name_of_the_worker(given: Any) -> None:
    with pytest.raises(FluidValueError, match="'poller' was given no function to run"):
        WorkerFunction(given, name="poller")


def test_coroutine_in_place_of_the_function_is_taught_without_a_never_awaited_warning() -> None:
    async def poll() -> None: ...

    coroutine: Any = poll()
    with pytest.raises(FluidValueError, match=r"WorkerFunction\(poll\)"):
        WorkerFunction(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    del coroutine
    gc.collect()


async def test_sync_function_is_taught_to_be_an_async_one() -> None:
    def poll() -> None: ...

    worker = WorkerFunction(poll, name="poller")  # type: ignore[arg-type]
    await worker.startup()
    error = await end_of(worker)
    assert isinstance(error, TypeError)
    assert "'poller'" in str(error)
    assert "poll" in str(error)
    assert "async def" in str(error)


async def test_function_that_wants_arguments_fails_with_the_error_of_python() -> None:
    async def poll(wanted: int) -> None: ...

    worker = WorkerFunction(poll)  # type: ignore[arg-type]
    await worker.startup()
    assert isinstance(await end_of(worker), TypeError)
