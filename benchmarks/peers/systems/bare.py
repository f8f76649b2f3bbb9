"""Bare asyncio: the least that does it by hand, and what all others are measured by.

It has no state that others could ask for, no time limit, no account, and logs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from ..system import Handler, Life, Send, Tally


@asynccontextmanager
async def tasks(coroutines: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Runs tasks, and cancels them in the end."""
    running = [asyncio.create_task(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def sleepers(count: int, tally: Tally) -> AsyncIterator[None]:
    async def sleep() -> None:
        tally.begun += 1
        try:
            await asyncio.sleep(3600)
        finally:
            tally.ended += 1

    async with tasks(sleep() for _ in range(count)):
        yield


@asynccontextmanager
async def consumers(count: int, tally: Tally) -> AsyncIterator[None]:
    async def consume() -> None:
        tally.begun += 1
        queue: asyncio.Queue[object] = asyncio.Queue()
        try:
            while True:
                await queue.get()
        finally:
            tally.ended += 1

    async with tasks(consume() for _ in range(count)):
        yield


@asynccontextmanager
async def consumer(handler: Handler) -> AsyncIterator[Send]:
    queue: asyncio.Queue[object] = asyncio.Queue()

    async def consume() -> None:
        while True:
            await handler(await queue.get())

    async with tasks([consume()]):
        yield queue.put_nowait


@asynccontextmanager
async def ticker(period: float, tally: Tally) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            tally.worked += 1
            await asyncio.sleep(period)

    async with tasks([tick()]):
        yield


@asynccontextmanager
async def restarted(life: Life) -> AsyncIterator[None]:
    """Gives each life a task of its own, as a supervisor does."""

    async def one() -> None:
        await life()

    async def restart() -> None:
        while True:
            with suppress(Exception):
                await asyncio.create_task(one())

    async with tasks([restart()]):
        yield
