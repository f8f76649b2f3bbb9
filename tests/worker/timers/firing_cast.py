"""Periodic workers for tests, which write down when they fired, and what became of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from fluid import Fire, PeriodicWorker, every
from fluid.events import WorkerEvent
from fluid.testing import VirtualLoop
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

E = TypeVar("E", bound=WorkerEvent)


class Ticker(PeriodicWorker):
    """Writes down each fire and its time; then does what a test wants."""

    schedule = every(10)

    def __init__(
        self, act: Callable[[int], Awaitable[object]] | None = None, **options: Any
    ) -> None:
        super().__init__(**{"name": "ticker", **options})
        self.act = act
        self.times: list[float] = []
        self.fires: list[Fire] = []
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def on_fire(self, fire: Fire) -> None:
        self.times.append(now())
        self.fires.append(fire)
        if self.act is not None:
            await self.act(len(self.times))

    def seen(self, kind: type[E]) -> list[E]:
        """Returns the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def timer(self) -> dict[str, Any]:
        """Returns what its status says of the timer."""
        timer: dict[str, Any] = (await self.status())["timer"]
        return timer


async def ended(ticker: Ticker) -> BaseException | None:
    """Starts a worker that fails, and returns what its end has raised."""
    await ticker.startup()
    return await end_of(ticker.wait_for_shutdown())


async def timer_of(worker: PeriodicWorker) -> dict[str, Any]:
    """Returns the part of the status, as somebody far away would read it."""
    status = json.loads(json.dumps(await worker.status()))
    assert set(status) >= {"running", "stopping", "timer"}
    timer: dict[str, Any] = status["timer"]
    return timer


def clock(text: str) -> str:
    """Returns a time of the first day as a status has it."""
    return f"2000-01-01T{text}+00:00"


async def end_at(worker: PeriodicWorker, seconds: float) -> None:
    """Starts a worker and stops it when the loop's clock shows so many seconds."""
    async with worker:
        await until(seconds)


async def until(seconds: float) -> None:
    """Waits until the loop's clock shows so many seconds."""
    await asyncio.sleep(seconds - now())


def lasting(seconds: float) -> Callable[[int], Awaitable[None]]:
    """Returns a call that takes its time."""

    async def act(_number: int) -> None:
        await asyncio.sleep(seconds)

    return act


def failing(error: BaseException, *numbers: int) -> Callable[[int], Awaitable[None]]:
    """Returns what raises ``error`` at calls of those numbers, or at all of them."""

    async def act(number: int) -> None:
        if not numbers or number in numbers:
            raise error

    return act


def block_at(instant: float, seconds: float) -> None:
    """Keeps the loop from everything else for so long, from an instant on."""
    loop = virtual_loop()
    loop.call_at(instant, block, seconds)


def block(seconds: float) -> None:
    """Keeps the loop from everything else."""
    loop = virtual_loop()
    loop._now_ns += round(seconds * 1e9)


def virtual_loop() -> VirtualLoop:
    """Returns the running loop, whose clocks a test may set."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def at(hour: int = 0, minute: int = 0, second: float = 0) -> datetime:
    """Returns a time of the first day."""
    whole = int(second)
    micros = round((second - whole) * 1e6)
    return datetime(2000, 1, 1, hour, minute, whole, micros, tzinfo=UTC)
