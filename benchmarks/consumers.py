"""The other kinds of consumer: a pool, batches, a dispatcher.

The hand-written pool is the one of asyncio's documentation: tasks that take from an
``asyncio.Queue`` and call ``task_done()``, and a producer that waits with ``join()``. Its handlers
really wait, for one step of the loop each: the shortest wait that there is, so that the queue is as
large a part of the whole as it can be.

A batch is compared with fluid's own plain consumer, and the dispatcher with the hand-written loop
of ``messages.py``, which calls the only handler itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from fluid.utils.dispatcher import AsyncDispatcher
from fluid.utils.worker import AsyncConsumer, BatchConsumer, QueueConsumer, QueueConsumerWorker

from .messages import by_hand, emptied, ignore
from .pairs import Clock, Plan
from .result import Result, ratio_at_least

MESSAGES = 20_000
PAIRS = 31
CONCURRENCY = 16
BATCH = 100

Case = Callable[[Clock, int], Coroutine[None, None, float]]
"""Handles so many messages; returns thousands a second."""


async def wait_a_step(_: object) -> None:
    """Handles a message by waiting for one step of the loop."""
    await asyncio.sleep(0)


async def pool(clock: Clock, count: int) -> float:
    """Sends and handles with fluid's pool."""
    async with QueueConsumerWorker(wait_a_step, concurrency=CONCURRENCY) as consumer:
        return await sent_and_joined(consumer.send, consumer.join, clock, count)


async def pool_by_hand(clock: Clock, count: int) -> float:
    """Sends and handles with tasks of one's own."""
    queue: asyncio.Queue[object] = asyncio.Queue()

    async def work() -> None:
        while True:
            message = await queue.get()
            await wait_a_step(message)
            queue.task_done()

    tasks = [asyncio.create_task(work()) for _ in range(CONCURRENCY)]
    await asyncio.sleep(0)
    rate = await sent_and_joined(queue.put_nowait, queue.join, clock, count)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return rate


async def sent_and_joined(
    send: Callable[[object], None], join: Callable[[], Awaitable[None]], clock: Clock, count: int
) -> float:
    """Times from the first send until everything is handled."""
    began = clock()
    for number in range(count):
        send(number)
    await join()
    return count / (clock() - began) / 1000


async def batches(clock: Clock, count: int) -> float:
    """Handles a full queue in batches."""
    return await full_queue(BatchConsumer(ignore, size=BATCH), clock, count)


async def one_by_one(clock: Clock, count: int) -> float:
    """Handles a full queue with the plain consumer."""
    return await full_queue(QueueConsumerWorker(ignore), clock, count)


async def full_queue(consumer: QueueConsumer[Any], clock: Clock, count: int) -> float:
    """Times from the last send until everything is handled."""
    async with consumer:
        for number in range(count):
            consumer.send(number)
        began = clock()
        await consumer.join()
        return count / (clock() - began) / 1000


class Everything(AsyncDispatcher[Any]):
    """Knows one type of message."""

    def event_type(self, message: object) -> str:
        return "message"


async def dispatched(clock: Clock, count: int) -> float:
    """Sends and handles by a dispatcher with one handler."""
    dispatcher = Everything()
    dispatcher.register_handler("message", ignore)
    async with AsyncConsumer(dispatcher) as consumer:
        return await sent_and_emptied(consumer.send, consumer.queue_size, clock, count)


async def called(clock: Clock, count: int) -> float:
    """Sends and handles by the hand-written loop."""
    async with by_hand(ignore) as (send, size):
        return await sent_and_emptied(send, size, clock, count)


async def sent_and_emptied(
    send: Callable[[object], None], size: Callable[[], int], clock: Clock, count: int
) -> float:
    """Times from the first send until nothing waits."""
    began = clock()
    for number in range(count):
        send(number)
    await emptied(size)
    return count / (clock() - began) / 1000


def results(plan: Plan) -> Iterator[Result]:
    """Measures the three."""
    yield compared(f"pool of {CONCURRENCY}, handlers that wait", plan, pool, pool_by_hand, 1.2)
    yield compared(f"batches of {BATCH}, and one by one", plan, batches, one_by_one, 3.0)
    yield compared("dispatcher with one handler", plan, dispatched, called, 0.8)


def compared(name: str, plan: Plan, fluid: Case, other: Case, target: float) -> Result:
    """Measures one of them both ways."""
    count = plan.sized(MESSAGES)
    samples = plan.alternate(
        lambda: asyncio.run(fluid(plan.clock, count)),
        lambda: asyncio.run(other(plan.clock, count)),
        pairs=PAIRS,
    )
    return Result(name, "k/s", samples, ratio_at_least(target))
