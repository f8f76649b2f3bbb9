"""aio-fluid: ``fluid.utils.worker`` of its own environment, which is another ``fluid``.

Read: its tutorial on workers (docs/tutorials/workers.md and docs_src/ of quantmind/aio-fluid), and
the docstrings of ``Workers`` and ``QueueConsumerWorker``. It has nothing that restarts a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fluid.utils.worker import QueueConsumerWorker, Worker, Workers

from ..system import Handler, Life, Running, Send, Tally


class Sleeper(Worker):
    """Waits until it is stopped.

    The documented loop, ``while self.is_running(): await asyncio.sleep(1)``, would make every stop
    wait for a second: that has a row of its own. This one is woken by its own stop, which is the
    best that the public methods allow.
    """

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally: Tally = tally
        self.woken: asyncio.Event = asyncio.Event()

    def gracefully_stop(self) -> None:
        super().gracefully_stop()
        self.woken.set()

    async def run(self) -> None:
        self.tally.begun += 1
        await self.woken.wait()
        self.tally.ended += 1


def sleepers(count: int, tally: Tally) -> Running:
    return Workers(*[Sleeper(tally) for _ in range(count)])


class Waiting(QueueConsumerWorker[object]):
    """Counts its start and its end."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(ignore)
        self.tally: Tally = tally

    async def on_startup(self) -> None:
        self.tally.begun += 1

    async def on_shutdown(self) -> None:
        self.tally.ended += 1


async def ignore(_: object) -> None:
    """Handles no message."""


def consumers(count: int, tally: Tally) -> Running:
    return Workers(*[Waiting(tally) for _ in range(count)])


@asynccontextmanager
async def consumer(handler: Handler) -> AsyncIterator[Send]:
    async with QueueConsumerWorker(handler) as worker:
        yield worker.send


class Ticker(Worker):
    """Works every so often: the loop of docs_src/simple_worker.py."""

    def __init__(self, period: float, tally: Tally) -> None:
        super().__init__()
        self.period: float = period
        self.tally: Tally = tally

    async def run(self) -> None:
        while self.is_running():
            self.tally.worked += 1
            await asyncio.sleep(self.period)


def ticker(period: float, tally: Tally) -> Running:
    return Ticker(period, tally)


def restarted(_: Life) -> None:
    """Is not there: a group ends with the first of its workers."""
