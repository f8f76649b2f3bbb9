"""Waiting: a stop that waits costs nothing, and whoever waits feels a stop at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest

from fluid import Worker, WorkerFunction, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import group_of
from tests.scenarios.stop_cast import Finishing, late, lived
from tests.worker.fakes import worker_with
from tests.worker.group_cast import let_pass
from tests.worker.queue_cast import Taker


@contextmanager
def counted_callbacks() -> Iterator[Callable[[], int]]:
    """Counts what the loop is given to do."""
    loop, calls = asyncio.get_running_loop(), [0]
    names = ("call_soon", "call_at", "call_later")
    real = {name: getattr(loop, name) for name in names}

    def counting(name: str) -> Callable[..., object]:
        def call(*arguments: Any, **options: Any) -> object:
            calls[0] += 1
            return real[name](*arguments, **options)

        return call

    for name in names:
        setattr(loop, name, counting(name))
    try:
        yield lambda: calls[0]
    finally:
        for name in names:
            delattr(loop, name)


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
async def test_a_stop_that_waits_for_hours_costs_nothing(in_reverse: bool) -> None:
    """G19"""
    members = [Finishing(7200, name=name, stopping_grace_period=inf) for name in "abc"]
    group = group_of(group_of(*members, name="inner"), stop_in_reverse=in_reverse)
    await group.startup()
    stops = [asyncio.ensure_future(group.shutdown()) for _ in range(3)]
    await asyncio.sleep(1)
    with counted_callbacks() as callbacks:
        await asyncio.sleep(7000)
        assert callbacks() <= 3  # this sleep's own
    await asyncio.wait(stops)


async def sleeping(worker: Worker) -> None:
    await worker.sleep(inf)


async def awaiting_a_future(worker: Worker) -> None:
    await worker.wait_or_stop(asyncio.get_running_loop().create_future())


async def awaiting_a_coroutine(worker: Worker) -> None:
    await worker.wait_or_stop(asyncio.sleep(inf))


def waiting_worker(kind: str, **options: Any) -> Worker:
    """Returns a worker that waits for something outside, in one of the ways that there are."""
    match kind:
        case "function":
            return WorkerFunction(lambda: asyncio.sleep(0), heartbeat=3600, name=kind, **options)
        case "message":
            return Taker(name=kind, **options)
        case _:
            return worker_with(name=kind, run=WAITS[kind], **options)


WAITS = {"sleep": sleeping, "future": awaiting_a_future, "coroutine": awaiting_a_coroutine}
KINDS = [*WAITS, "message", "function"]


@pytest.mark.parametrize("kind", KINDS)
@explored(faults="offered", swept=True, pairs=20)
async def test_whoever_waits_for_something_outside_is_woken_by_the_stop(
    sim: Simulation, kind: str
) -> None:
    """G20"""
    worker = waiting_worker(kind)
    sim.offer("stop", worker.gracefully_stop)
    assert await lived(sim, worker) <= late(sim)
    assert worker.worker_state in (WorkerState.STOPPED, WorkerState.INIT)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_is_felt_two_steps_after_it_was_asked_for(kind: str) -> None:
    """G20: the loop begins the stop in one, and the worker is awake in the next."""
    worker = waiting_worker(kind)
    await worker.startup()
    await asyncio.sleep(1)
    worker.gracefully_stop()
    await let_pass(2 if kind != "coroutine" else 5)  # that one is cancelled, and waited for
    assert worker.is_stopped()
