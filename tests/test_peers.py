"""What goes wrong in other systems of this kind, and must not here: one test a rule.

The rows are those of the comparison table; each was reproduced on the system that it names.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest

from fluid import PeriodicWorker, every
from fluid.testing import VirtualLoop
from fluid.utils.worker import (
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    WorkerState,
)
from tests.contract.cast import (
    BoomError,
    Collector,
    Idle,
    Recorder,
    Refusing,
    end_of,
    for_ever,
    raising,
)


@contextmanager
def counted_passes(loop: asyncio.AbstractEventLoop) -> Iterator[list[int]]:
    """Counts how often the loop wakes to do anything at all."""
    assert isinstance(loop, VirtualLoop)
    passes = [0]
    run_once = loop._run_once

    def count() -> None:
        passes[0] += 1
        run_once()

    loop._run_once = count  # type: ignore[method-assign]
    try:
        yield passes
    finally:
        del loop._run_once


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def test_startup_returns_only_when_on_startup_has_ended() -> None:
    """Row 22: a start returned before ``on_startup`` had run."""
    worker = Recorder(on_startup=lambda: asyncio.sleep(5), run=for_ever, stopping_grace_period=0)
    await worker.startup()
    assert loop_time() == 5
    assert worker.is_running()
    await worker.shutdown()


async def test_failed_on_startup_is_raised_by_startup() -> None:
    """Row 22: a failure of ``on_startup`` was invisible."""
    error = BoomError("no database")
    worker = Recorder(on_startup=raising(error))
    with pytest.raises(BoomError) as caught:
        await worker.startup()
    assert caught.value is error
    assert worker.worker_state is WorkerState.FAILED


async def test_error_of_run_makes_the_worker_failed_and_is_followed_by_on_shutdown() -> None:
    """Row 23: the state was STOPPED, and ``on_shutdown`` was skipped."""
    worker = Recorder(run=raising(BoomError("boom")))
    await worker.startup()
    await end_of(worker)
    assert worker.worker_state is WorkerState.FAILED
    assert worker.journal == ["on_startup", "run", "on_shutdown", ("after_shutdown", "boom", 2)]


async def test_error_of_run_is_raised_to_whoever_waits_later_and_by_its_group() -> None:
    """Row 23: a later wait returned in silence, and a group ended with "normal shutdown"."""
    error = BoomError("boom")

    async def fail_later() -> None:
        await asyncio.sleep(1)
        raise error

    worker = Recorder(run=fail_later)
    group = Workers(worker)
    await group.startup()
    await asyncio.sleep(3600)
    for waited_for in (worker, group):
        with pytest.raises(BoomError) as caught:
            await waited_for.wait_for_shutdown()
        assert caught.value is error
    assert group.worker_exit is not None
    assert (group.worker_exit.reason, group.worker_exit.code) == ("boom", 2)


@pytest.mark.parametrize("seconds", [1, 60, 3600])
async def test_stop_waits_without_spinning(seconds: float) -> None:
    """Row 24, G19: a graceful stop took 0.99 seconds of CPU for each second of waiting."""
    worker = Recorder(run=lambda: asyncio.sleep(seconds), stopping_grace_period=inf)
    await worker.startup()
    with counted_passes(asyncio.get_running_loop()) as passes:
        await worker.shutdown()
    assert loop_time() == seconds
    assert passes[0] < 20


async def test_worker_that_resists_its_cancel_is_given_up_within_the_bound() -> None:
    """Row 25: with a grace period of 0.2 seconds the stop took 3.0, and as long as it pleased."""
    worker = Refusing(stopping_grace_period=0.2)
    worker.cancel_period = 0.1
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert loop_time() == pytest.approx(1 + 0.2 + 2 * 0.1)
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    assert worker.worker_exit is not None
    assert worker.worker_exit.abandoned
    worker.released.set()
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("kind", ["a handler", "the documented loop"])
async def test_stop_processes_the_queue(kind: str) -> None:
    """Row 26: 17 of 20 messages were lost."""
    handled: list[object] = []

    async def handle(message: object) -> None:
        await asyncio.sleep(0.05)
        handled.append(message)

    class Slow(Collector):
        async def run(self) -> None:
            while self.is_running() or self.queue_size():
                message = await self.get_message()
                if message is not None:
                    await handle(message)

    consumer = QueueConsumerWorker(handle) if kind == "a handler" else Slow()
    async with consumer:
        for message in range(20):
            consumer.send(message)
        await asyncio.sleep(0.1)
    assert handled == list(range(20))
    assert consumer.worker_state is WorkerState.STOPPED


@pytest.mark.real
@pytest.mark.parametrize("kind", ["a handler", "the documented loop"])
async def test_message_from_a_thread_wakes_the_consumer(kind: str) -> None:
    """Row 27: it was noticed after 351 ms, when a time-out of the consumer's own had passed.

    Nothing else could wake the consumer here before the test's time is up.
    """
    handled = asyncio.Event()

    async def handle(message: object) -> None:
        handled.set()

    class Patient(Collector):
        async def run(self) -> None:
            while self.is_running():
                if await self.get_message(timeout=inf) is not None:
                    handled.set()

    consumer: Any = QueueConsumerWorker(handle) if kind == "a handler" else Patient()
    async with asyncio.timeout(20), consumer:
        await asyncio.sleep(0.01)
        thread = threading.Thread(target=consumer.send, args=["from a thread"])
        thread.start()
        await handled.wait()
        thread.join()


async def test_worker_function_with_a_long_heartbeat_stops_at_once_and_gracefully() -> None:
    """Row 28: with ``heartbeat=30`` it was always force-stopped."""
    calls: list[float] = []

    async def poll() -> None:
        calls.append(loop_time())

    worker = WorkerFunction(poll, heartbeat=30)
    await worker.startup()
    await asyncio.sleep(5)
    await worker.shutdown()
    assert loop_time() == 5
    assert calls == [0]
    assert worker.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("number", [0, 1, 5000])
async def test_idle_workers_in_a_group_cost_no_wake_ups(number: int) -> None:
    """Row 29: 5,000 of them took half a core."""
    group = Workers(*(Idle(name=f"{n}") for n in range(number)))
    async with group:
        with counted_passes(asyncio.get_running_loop()) as passes:
            await asyncio.sleep(86_400)
        assert passes[0] < 20


async def test_time_limit_on_a_wait_for_the_end_does_not_touch_the_worker() -> None:
    """Row 30: ``wait_for(worker.wait_for_shutdown(), 1)`` cancelled the worker."""
    worker: Worker = Idle()
    await worker.startup()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(worker.wait_for_shutdown(), 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await worker.wait_for_shutdown()
    await asyncio.sleep(60)
    assert worker.is_running()
    await worker.shutdown()
    assert worker.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("takes", [0.0, 0.1, 0.19])
async def test_period_is_from_start_to_start_and_not_from_end_to_start(takes: float) -> None:
    """Row 10: with a period of 0.2 seconds and work of 0.1 it was called every 0.301."""
    began: list[float] = []

    async def work() -> None:
        began.append(loop_time())
        await asyncio.sleep(takes)

    async with PeriodicWorker(work, every(0.2)):
        await asyncio.sleep(10.1)
    assert began == pytest.approx([0.2 * number for number in range(51)])
