"""Bugs in how things change hands: what people write with plain asyncio, and how they mend it."""

from __future__ import annotations

import asyncio
from collections import deque

# An item is taken from a queue, and lost when the taker is cancelled before it is done.


class Forgetful:
    def __init__(self, inbox: asyncio.Queue[str]) -> None:
        self.inbox, self.done = inbox, list[str]()

    async def consume(self) -> None:
        while True:
            item = await self.inbox.get()
            await asyncio.sleep(0.01)
            self.done.append(item)


class Careful(Forgetful):
    async def consume(self) -> None:
        while True:
            item = await self.inbox.get()
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.inbox.put_nowait(item)
                raise
            self.done.append(item)


async def an_item_is_done_or_still_there(kind: type[Forgetful]) -> None:
    inbox: asyncio.Queue[str] = asyncio.Queue()
    consumer = kind(inbox)
    task = asyncio.create_task(consumer.consume())
    loop = asyncio.get_running_loop()
    loop.call_later(1, inbox.put_nowait, "item")
    loop.call_later(1.02, task.cancel)
    await asyncio.wait([task])
    await asyncio.sleep(1)
    assert inbox.qsize() + len(consumer.done) == 1, "the item is lost"


# A waiter looks, finds nothing, and begins to wait after it has been woken.


class DeafBuffer:
    def __init__(self) -> None:
        self.items, self.arrived = deque[str](), asyncio.Event()

    def put(self, item: str) -> None:
        self.items.append(item)
        self.arrived.set()

    async def get(self) -> str:
        while not self.items:
            await asyncio.sleep(0.01)  # it says that it is idle
            self.arrived.clear()
            await self.arrived.wait()
        return self.items.popleft()


class AttentiveBuffer(DeafBuffer):
    async def get(self) -> str:
        while not self.items:
            self.arrived.clear()
            await asyncio.sleep(0.01)
            await self.arrived.wait()
        return self.items.popleft()


async def whoever_waits_is_woken(kind: type[DeafBuffer]) -> None:
    buffer = kind()
    asyncio.get_running_loop().call_later(0.01, buffer.put, "item")
    assert await buffer.get() == "item"


# A connection is handed to a waiter at the instant at which its patience ends.


class LeakyPool:
    def __init__(self) -> None:
        self.free, self.waiters = 0, deque[asyncio.Future[None]]()

    async def acquire(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        await waiter

    def release(self) -> None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1


class TightPool(LeakyPool):
    async def acquire(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self.release()
            raise


async def no_connection_is_lost(kind: type[LeakyPool]) -> None:
    pool, in_use = kind(), 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(1):
            loop.call_later(1, pool.release)
            await pool.acquire()
            in_use += 1
    except TimeoutError:
        pass
    await asyncio.sleep(1)
    assert pool.free + in_use == 1, "the connection is lost"


# A reader takes it for granted that three steps of a writer take no longer than five of its own.


class Punctual:
    def __init__(self) -> None:
        self.steps, self.is_written = list[str](), asyncio.Event()

    async def write(self) -> None:
        for step in ("opened", "written", "closed"):
            await asyncio.sleep(0)
            self.steps.append(step)
        self.is_written.set()

    async def read(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        assert self.steps == ["opened", "written", "closed"], self.steps


class Waiting(Punctual):
    async def read(self) -> None:
        await self.is_written.wait()
        await super().read()


async def what_is_read_was_written(kind: type[Punctual]) -> None:
    file = kind()
    await asyncio.gather(file.write(), file.read())
