"""Readiness never lies, and whoever waits for it is told."""

from __future__ import annotations

import asyncio

import pytest

from fluid import WorkerStartError
from fluid.events import WorkerReady
from tests.worker.fakes import forever, now, raising, worker_with


async def test_a_worker_is_not_ready_before_its_start_is_over() -> None:
    worker = worker_with(startup=lambda _: asyncio.sleep(2))
    assert not worker.is_ready()
    starting = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    assert worker.is_running()
    assert not worker.is_ready()
    await starting
    assert worker.is_ready()
    await worker.shutdown()


async def test_readiness_is_over_the_moment_a_stop_is_asked_for() -> None:
    """H03"""
    worker = worker_with()
    await worker.startup()
    worker.gracefully_stop()
    assert not worker.is_ready()
    await worker.wait_for_shutdown()


async def test_a_failed_start_is_never_ready() -> None:
    worker = worker_with(startup=raising(ValueError()))
    with pytest.raises(ValueError):
        await worker.startup()
    assert not worker.is_ready()
    assert not any(isinstance(event, WorkerReady) for event in worker.events)


async def test_waiting_for_readiness_may_begin_before_the_start() -> None:
    worker = worker_with(startup=lambda _: asyncio.sleep(2))
    waiters = [asyncio.ensure_future(worker.wait_ready()) for _ in range(3)]
    await asyncio.sleep(1)
    await worker.startup()
    await asyncio.gather(*waiters)
    assert now() == 3
    await worker.wait_ready()
    await worker.shutdown()


async def test_waiting_for_what_will_not_be_ready_raises() -> None:
    worker = worker_with(startup=forever)
    starting = asyncio.ensure_future(worker.startup())
    waiting = asyncio.ensure_future(worker.wait_ready())
    await asyncio.sleep(1)
    worker.gracefully_stop()
    with pytest.raises(WorkerStartError, match="will not be ready: it is stopp"):
        await waiting
    with pytest.raises(WorkerStartError):
        await starting
    with pytest.raises(WorkerStartError, match="will not be ready: it is stopped"):
        await worker.wait_ready()


async def test_a_cancelled_waiter_touches_nobody() -> None:
    """H13"""
    worker = worker_with(startup=lambda _: asyncio.sleep(2))
    waiters = [asyncio.ensure_future(worker.wait_ready()) for _ in range(2)]
    await asyncio.sleep(0.5)
    waiters[0].cancel()
    await worker.startup()
    await waiters[1]
    assert waiters[0].cancelled()
    await worker.shutdown()


async def test_set_ready_is_idempotent_and_void_outside_of_a_start() -> None:
    worker = worker_with()
    worker.set_ready()
    assert not worker.is_ready()
    await worker.startup()
    worker.set_ready()
    assert sum(isinstance(event, WorkerReady) for event in worker.events) == 1
    await worker.shutdown()
    worker.set_ready()
    assert not worker.is_ready()
