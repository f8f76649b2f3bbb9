"""Errors in what stands beside a worker: the log, a listener, a callback, a task of its own."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Iterator

import pytest

from fluid import WorkerState
from fluid.events import WorkerEvent
from fluid.testing import Conditions, Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Planned,
    Watch,
    breakables,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, forever, worker_with
from tests.worker.group_cast import end_of

STOPPED, FAILED = WorkerState.STOPPED, WorkerState.FAILED


class BrokenHandler(logging.Handler):
    """Has no room left for what it is to write."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.refused += 1
        raise OSError("no space left on device")


@pytest.fixture
def broken_log() -> Iterator[BrokenHandler]:
    """Every logger of fluid's writes to a handler that raises."""
    logger, handler = logging.getLogger("fluid"), BrokenHandler()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagate


@explored(seeds=12, faults="offered", conditions=Conditions(logs=True))
async def test_a_logging_handler_that_raises_harms_no_worker(
    sim: Simulation, broken_log: BrokenHandler
) -> None:
    """E08"""
    before = broken_log.refused
    group = group_of(*breakables("ab"))
    watch = Watch(group)
    faults_of(sim, group)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    await stop_at_last(group)
    watch.assert_it_ended_well()
    assert group.has_started() is (broken_log.refused > before)


@pytest.mark.parametrize("kind", [Planned, asyncio.CancelledError])
@explored(faults="offered", swept=True)
async def test_a_listener_that_raises_is_noticed_by_no_worker_and_no_other_listener(
    sim: Simulation, kind: type[BaseException]
) -> None:
    """E10: a cancelled future raises its CancelledError in whoever looks at its result."""

    def complain(event: WorkerEvent) -> None:
        raise kind

    group = group_of(*breakables("a"))
    for worker in (group, *group.workers()):
        worker.subscribe(complain)
    watch = Watch(group)
    faults_of(sim, group)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    await stop_at_last(group)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_an_error_in_a_callback_of_a_worker_is_reported_and_the_worker_goes_on(
    sim: Simulation,
) -> None:
    """E11"""
    loop = asyncio.get_running_loop()
    reported: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail() -> None:
        raise Planned("in a callback")

    async def schedule(worker: Recorded) -> None:
        loop.call_soon(fail)
        loop.call_later(0.5, fail)
        await worker.sleep(1)
        worker.diary.append("went on")
        await forever(worker)

    worker = worker_with(name="worker", run=schedule, stopping_grace_period=0)
    watch = Watch(worker)
    sim.offer("fail", lambda: loop.call_soon(fail))
    await worker.startup()
    await asyncio.sleep(2)
    assert worker.is_ready()
    assert "went on" in worker.diary
    await worker.shutdown()
    assert {str(error) for error in reported} == {"in a callback"}
    struck = sum(strike.fault == "fail" for strike in sim.schedule.strikes)
    assert 2 <= len(reported) <= 2 + struck
    watch.assert_it_ended_well()


async def _raise_planned() -> None:
    await asyncio.sleep(0.1)
    raise Planned("in a task")


@explored(faults=("gc",), swept=True)
async def test_the_error_of_a_task_that_nobody_awaits_comes_to_light(sim: Simulation) -> None:
    """E12"""
    loop = asyncio.get_running_loop()
    reported: list[str] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    orphans: list[weakref.ref[asyncio.Task[None]]] = []

    async def leave_an_orphan(worker: Recorded) -> None:
        orphans.append(weakref.ref(asyncio.ensure_future(_raise_planned())))
        await forever(worker)

    worker = worker_with(name="worker", run=leave_an_orphan, stopping_grace_period=0)
    await worker.startup()
    await asyncio.sleep(1)
    assert worker.is_ready()
    await worker.shutdown()
    gc.collect()
    assert orphans[0]() is None
    assert reported == ["Task exception was never retrieved"]
    assert worker.worker_state is not FAILED
