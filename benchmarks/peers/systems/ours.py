"""fluid, as docs/index.md, docs/consumers.md and docs/supervision.md show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fluid import Backoff, QueueConsumerWorker, Supervisor, Worker, Workers

from ..system import Handler, Life, Running, Send, Tally


class Sleeper(Worker):
    """Sleeps until it is stopped."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally: Tally = tally

    async def run(self) -> None:
        self.tally.begun += 1
        while await self.sleep(3600):
            pass
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
    """Works every so often: the loop of docs/index.md."""

    def __init__(self, period: float, tally: Tally) -> None:
        super().__init__()
        self.period: float = period
        self.tally: Tally = tally

    async def run(self) -> None:
        self.tally.worked += 1
        while await self.sleep(self.period):
            self.tally.worked += 1


def ticker(period: float, tally: Tally) -> Running:
    return Ticker(period, tally)


def restarted(life: Life) -> Running:
    """Restarts without a back-off and, what nobody should do elsewhere, without a limit.

    The last life sleeps without listening for a stop: hence no grace.
    """

    class Living(Worker):
        async def run(self) -> None:
            await life()

    child = partial(Living, stopping_grace_period=0)
    return Supervisor(child, backoff=Backoff(initial=0), max_restarts=10**6)
