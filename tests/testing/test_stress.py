"""Every kind of worker goes through ``stress()``, and a bad one does not come out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import pytest

from fluid import (
    Overlap,
    PeriodicWorker,
    QueueConsumer,
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    every,
)
from fluid.testing import ExplorationError, stress
from tests.worker.fakes import raising, worker_with


class Napper(Worker):
    async def run(self) -> None:
        await self.sleep(60)


class Ticker(Worker):
    async def run(self) -> None:
        while await self.sleep(1):
            pass


class Announcer(Worker):
    announces_readiness = True

    async def run(self) -> None:
        await self.sleep(0.5)
        self.set_ready()
        await self.sleep(60)


class Scoped(Worker):
    """Opens a task group in one hook, and closes it in another."""

    async def on_startup(self) -> None:
        self.group = await self.exit_stack.enter_async_context(asyncio.TaskGroup())

    async def run(self) -> None:
        task = self.group.create_task(asyncio.sleep(5))
        await self.sleep(60)
        task.cancel()


class Taker(QueueConsumer[int]):
    async def run(self) -> None:
        for number in range(5):
            self.send(number)
        while self.is_running() or self.queue_size():
            await self.get_message()

    async def on_undelivered(self, messages: Sequence[int]) -> None:
        await asyncio.sleep(0.1)


async def nothing(_: object = None) -> None:
    pass


def nested() -> Workers:
    return Workers(Napper(), Workers(Taker(), name="inner"), name="outer")


KINDS: dict[str, Callable[[], Worker]] = {
    "Worker": Napper,
    "Worker that ticks": Ticker,
    "Worker that announces": Announcer,
    "Worker with an exit stack": Scoped,
    "Worker that crashes": partial(worker_with, run=raising(ValueError("run"))),
    "Worker that fails to start": partial(worker_with, startup=raising(ValueError("startup"))),
    "Worker that fails to clean up": partial(worker_with, shutdown=raising(ValueError("shutdown"))),
    "WorkerFunction": partial(WorkerFunction, nothing, heartbeat=1),
    "QueueConsumer": Taker,
    "QueueConsumerWorker": partial(QueueConsumerWorker, nothing),
    "PeriodicWorker": partial(PeriodicWorker, nothing, every(1)),
    "PeriodicWorker of several at once": partial(
        PeriodicWorker, partial(asyncio.sleep, 1.5), every(1), overlap=Overlap.concurrent(2)
    ),
    "Workers": nested,
    "Workers in reverse": lambda: Workers(Napper(name="a"), Taker(), stop_in_reverse=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_worker_keeps_its_promises_under_stress(kind: str):
    assert stress(KINDS[kind], seeds=20, eager="both").schedules > 20


class Deaf(Worker):
    """Ignores every cancel."""

    async def run(self) -> None:
        for _ in range(100):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)


class Leaky(Worker):
    """Leaves a task behind."""

    async def run(self) -> None:
        self.left = asyncio.ensure_future(asyncio.sleep(3600))
        await self.sleep(60)


class Liar(Worker):
    """Has a status that nobody can send anywhere."""

    async def run(self) -> None:
        await self.sleep(60)

    async def status(self) -> dict[str, object]:
        return {"self": self}


class Silent(Worker):
    """Cannot say its status while it runs."""

    async def run(self) -> None:
        await self.sleep(60)

    async def status(self) -> dict[str, object]:
        if self.is_running():
            raise RuntimeError("no status")
        return await super().status()


class Sleepy(Worker):
    """Swallows the error of its own start, now and then: only a swept cancel shows it."""

    async def on_startup(self) -> None:
        self.lock = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(1)
        await self.exit_stack.enter_async_context(_cancelled(self.lock))

    async def run(self) -> None:
        await self.sleep(60)


class _cancelled:  # noqa: N801 - a context manager that reads as a verb
    def __init__(self, task: asyncio.Future[object]) -> None:
        self.task = task

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Deaf, "left alive"),
        (Leaky, "left alive"),
        (Liar, "not JSON serializable"),
        (Silent, "no status"),
        (Sleepy, "left alive"),
    ],
)
def test_a_worker_that_breaks_a_promise_is_found(bad: type[Worker], why: str):
    with pytest.raises(ExplorationError, match=why) as caught:
        stress(bad, seeds=30)
    assert f"stress({bad.__name__})" in str(caught.value)
