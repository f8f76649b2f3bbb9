"""Messages through ``QueueConsumerWorker``, against a task that loops over an ``asyncio.Queue``.

The handler is an ``async def`` that does nothing, so that all that is measured is what it takes to
get a message there. The queue's loop is the shortest that works: no stop, no count of what was
handled, no answer to an error. fluid's side is the worker as everybody gets it, sent to by its own
``send()``. Both are driven by the same functions, which are also all that is timed: making,
starting and stopping a consumer is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple

from fluid.utils.worker import QueueConsumerWorker

from .pairs import Clock, Plan
from .result import Result, ratio_at_least

MESSAGES = 20_000
ROUND_TRIPS = 2_000
PAIRS = 51

Handler = Callable[[Any], Awaitable[None]]


class Consumer(NamedTuple):
    """What a producer sees of a running consumer."""

    send: Callable[[object], None]
    size: Callable[[], int]


Kind = Callable[[Handler], AbstractAsyncContextManager[Consumer]]


@asynccontextmanager
async def worker(handler: Handler) -> AsyncIterator[Consumer]:
    """Runs fluid's consumer."""
    async with QueueConsumerWorker(handler) as consumer:
        yield Consumer(consumer.send, consumer.queue_size)


@asynccontextmanager
async def by_hand(handler: Handler) -> AsyncIterator[Consumer]:
    """Runs the other one."""
    queue: asyncio.Queue[object] = asyncio.Queue()

    async def consume() -> None:
        while True:
            message = await queue.get()
            await handler(message)

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    yield Consumer(queue.put_nowait, queue.qsize)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def ignore(message: object) -> None:
    """Handles a message by doing nothing."""


async def answer(reply: asyncio.Future[None]) -> None:
    """Handles a message by telling its sender."""
    reply.set_result(None)


async def emptied(size: Callable[[], int]) -> None:
    """Waits until a consumer has handled everything.

    It looks once in each step of the loop. That costs fluid a little more, because its consumer
    lets the loop step in between, while the other goes through the whole queue in one step.
    """
    while size():  # an event would have to be set by the handler
        await asyncio.sleep(0)


# --- what is timed; each returns a rate, in thousands of messages a second -----------------------


async def send_and_handle(kind: Kind, clock: Clock, count: int) -> float:
    """A running consumer is sent ``count`` messages; timed from the first send to the last end."""
    async with kind(ignore) as (send, size):
        began = clock()
        for number in range(count):
            send(number)
        await emptied(size)
        return count / (clock() - began) / 1000


async def handle_only(kind: Kind, clock: Clock, count: int) -> float:
    """The same, but timed from the last send, when the queue is full."""
    async with kind(ignore) as (send, size):
        for number in range(count):
            send(number)
        began = clock()
        await emptied(size)
        return count / (clock() - began) / 1000


async def round_trips(kind: Kind, clock: Clock, count: int) -> float:
    """One message at a time: each is sent when the one before was handled.

    The handler tells the sender through a future, which is the message.
    """
    create_future = asyncio.get_running_loop().create_future
    async with kind(answer) as (send, _):
        began = clock()
        for _ in range(count):
            reply = create_future()
            send(reply)
            await reply
        return count / (clock() - began) / 1000


def results(plan: Plan) -> Iterator[Result]:
    """Measures the three."""
    many, few = plan.sized(MESSAGES), plan.sized(ROUND_TRIPS)
    yield compared("messages, sending and handling", plan, send_and_handle, many, 1.4)
    yield compared("messages, handling a full queue", plan, handle_only, many, 1.6)
    yield compared("messages, one round trip at a time", plan, round_trips, few, 1.0)


def compared(
    name: str,
    plan: Plan,
    case: Callable[[Kind, Clock, int], Coroutine[None, None, float]],
    count: int,
    target: float,
) -> Result:
    """Measures one of them with both kinds of consumer."""
    samples = plan.alternate(
        lambda: asyncio.run(case(worker, plan.clock, count)),
        lambda: asyncio.run(case(by_hand, plan.clock, count)),
        pairs=PAIRS,
    )
    return Result(name, "k/s", samples, ratio_at_least(target))
