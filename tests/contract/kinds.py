"""One worker of each kind, the names that users know of it, and the life that each can lead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fluid import PeriodicWorker, every
from fluid.utils.dispatcher import AsyncDispatcher
from fluid.utils.worker import (
    AsyncConsumer,
    BatchConsumer,
    QueueConsumer,
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    WorkerState,
)
from tests.contract.cast import Collector, Idle

DOCUMENTED = {
    "worker_state",
    "worker_name",
    "num_workers",
    "has_started",
    "is_running",
    "is_stopping",
    "is_stopped",
    "gracefully_stop",
    "after_shutdown",
    "status",
    "on_startup",
    "on_shutdown",
    "startup",
    "shutdown",
    "wait_for_shutdown",
    "workers",
    "run",
}
"""The members of a worker that the contract names."""

OF_A_KIND = {
    "send",
    "get_message",
    "queue_size",
    "on_message",
    "dispatcher",
    "add_workers",
}
"""Those that it names for one kind of worker."""

OPTIONS_AND_HOOKS = {
    "announces_readiness",
    "start_timeout",
    "cancel_period",
    "cleanup_period",
    "on_undelivered",
    "on_dead_letter",
    "on_batch",
    "on_fire",
    "schedule",
    "overlap",
    "missed",
    "errors",
    "seed",
}
"""What the design adds for a subclass to set or to write, and fluid therefore reads."""


class Texts(AsyncDispatcher[Any]):
    """A dispatcher that knows no types."""

    def event_type(self, message: Any) -> str:
        return "text"


async def nothing(*_: object) -> None: ...


KINDS: dict[str, Callable[[], Worker]] = {
    "Worker": Idle,
    "WorkerFunction": lambda: WorkerFunction(nothing, heartbeat=1),
    "QueueConsumer": Collector,
    "QueueConsumerWorker": lambda: QueueConsumerWorker(nothing),
    "AsyncConsumer": lambda: AsyncConsumer(Texts()),
    "BatchConsumer": lambda: BatchConsumer(nothing),
    "PeriodicWorker": lambda: PeriodicWorker(nothing, every(1)),
    "Workers": lambda: Workers(Idle(), Collector()),
}
"""One of each kind."""

each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def subclassed(worker: Worker, members: dict[str, Any]) -> None:
    """Makes ``worker`` an instance of a subclass of its class that has ``members``."""
    worker.__class__ = type(f"Sub{type(worker).__name__}", (type(worker),), members)


async def live(worker: Worker) -> None:
    """Starts, works and stops ``worker``, as a documented program would."""
    async with worker:
        await asyncio.sleep(1.5)
        if isinstance(worker, QueueConsumer):
            worker.send("message")
        await worker.status()
        await asyncio.sleep(1.5)
    await worker.wait_for_shutdown()
    assert worker.worker_state is WorkerState.STOPPED
