"""mode: services with tasks, the fork that is maintained (mode-streaming).

Read: the README of faust-streaming/mode ("Creating a Service", "It's a Graph!") and the docstrings
of ``Service`` and ``SupervisorStrategy``. A group is a service with dependencies. It has no
consumer; a service with a queue and a task that loops over it is how one writes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from mode import Service  # type: ignore[import-not-found]
from mode.supervisors import OneForOneSupervisor  # type: ignore[import-not-found]

from ..system import Handler, Life, Running, Send, Tally


class Group(Service):  # type: ignore[misc]
    """Starts other services and stops them."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services: Iterable[Service] = services
        super().__init__()

    def __post_init__(self) -> None:
        for service in self.services:
            self.add_dependency(service)


class Sleeper(Service):  # type: ignore[misc]
    """Sleeps until it is stopped."""

    def __init__(self, tally: Tally) -> None:
        self.tally: Tally = tally
        super().__init__()

    @Service.task
    async def doze(self) -> None:
        self.tally.begun += 1
        try:
            while not self.should_stop:
                await self.sleep(3600.0)
        finally:
            self.tally.ended += 1


def sleepers(count: int, tally: Tally) -> Running:
    return Group(Sleeper(tally) for _ in range(count))


class Consumer(Service):  # type: ignore[misc]
    """Handles messages one by one."""

    def __init__(self, handler: Handler, tally: Tally) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()
        self.handler: Handler = handler
        self.tally: Tally = tally
        super().__init__()

    @Service.task
    async def consume(self) -> None:
        self.tally.begun += 1
        try:
            while not self.should_stop:
                await self.handler(await self.queue.get())
        finally:
            self.tally.ended += 1


async def ignore(_: object) -> None:
    """Handles no message."""


def consumers(count: int, tally: Tally) -> Running:
    return Group(Consumer(ignore, tally) for _ in range(count))


@asynccontextmanager
async def consumer(handler: Handler) -> AsyncIterator[Send]:
    async with Consumer(handler, Tally()) as service:
        yield service.queue.put_nowait


class Ticker(Service):  # type: ignore[misc]
    """Works every so often: the loop of "Start a background task that keeps running"."""

    def __init__(self, period: float, tally: Tally) -> None:
        self.period: float = period
        self.tally: Tally = tally
        super().__init__()

    @Service.task
    async def tick(self) -> None:
        while not self.should_stop:
            self.tally.worked += 1
            await self.sleep(self.period)


def ticker(period: float, tally: Tally) -> Running:
    return Ticker(period, tally)


def restarted(life: Life) -> Running:
    """Restarts at once, which is what mode does; its default allows 100 in a second."""

    class Living(Service):  # type: ignore[misc]
        @Service.task
        async def live(self) -> None:
            await life()

    supervisor = OneForOneSupervisor(max_restarts=10**6)
    supervisor.add(Living())  # and not as an argument: only add() tells the service of it
    running: Running = supervisor
    return running
