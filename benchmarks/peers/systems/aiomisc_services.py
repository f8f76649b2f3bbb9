"""aiomisc: services in an entrypoint.

Read: docs/source/tutorial.rst, services/index.rst and entrypoint.rst of aiokitchen/aiomisc. It has
no consumer; a service whose ``start()`` loops over a queue is how one writes it. What it respawns
are processes (``RespawningProcessService``): it has nothing that restarts a coroutine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomisc  # type: ignore[import-not-found]

from ..system import Handler, Life, Running, Send, Tally


def entrypoint(*services: aiomisc.Service) -> Running:
    """Returns what runs services in a loop that runs; logging is everybody's own matter here."""
    running: Running = aiomisc.entrypoint(*services, log_config=False)
    return running


class Sleeper(aiomisc.Service):  # type: ignore[misc]
    """Sleeps until it is stopped."""

    tally: Tally

    async def start(self) -> None:
        self.start_event.set()
        self.tally.begun += 1
        try:
            await asyncio.sleep(3600)
        finally:
            self.tally.ended += 1


def sleepers(count: int, tally: Tally) -> Running:
    return entrypoint(*[Sleeper(tally=tally) for _ in range(count)])


class Consumer(aiomisc.Service):  # type: ignore[misc]
    """Handles messages one by one."""

    queue: asyncio.Queue[object]
    handler: Handler
    tally: Tally

    async def start(self) -> None:
        self.start_event.set()
        self.tally.begun += 1
        try:
            while True:
                await self.handler(await self.queue.get())
        finally:
            self.tally.ended += 1


async def ignore(_: object) -> None:
    """Handles no message."""


def consumers(count: int, tally: Tally) -> Running:
    return entrypoint(
        *[Consumer(queue=asyncio.Queue(), handler=ignore, tally=tally) for _ in range(count)]
    )


@asynccontextmanager
async def consumer(handler: Handler) -> AsyncIterator[Send]:
    queue: asyncio.Queue[object] = asyncio.Queue()
    async with entrypoint(Consumer(queue=queue, handler=handler, tally=Tally())):
        yield queue.put_nowait


class Ticker(aiomisc.Service):  # type: ignore[misc]
    """Works every so often: the ``InfinityService`` of the tutorial."""

    period: float
    tally: Tally

    async def start(self) -> None:
        self.start_event.set()
        while True:
            self.tally.worked += 1
            await asyncio.sleep(self.period)


def ticker(period: float, tally: Tally) -> Running:
    return entrypoint(Ticker(period=period, tally=tally))


def restarted(_: Life) -> None:
    """Is not there."""
