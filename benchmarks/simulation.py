"""What simulated time costs: schedules in a second, and a day of ten workers.

Schedules: a tree with a queue, a producer and two tickers, about 200 steps long, explored under
the usual mix of policies; the other side is the same scenario under ``fluid.testing.run``, which
knows one schedule only and makes no choices. A day: ten workers that tick once a second, beside ten
tasks that sleep a second, both on the same virtual loop, so that the ratio is what a worker's own
``sleep`` costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from fluid.testing import explore, run
from fluid.utils.worker import QueueConsumer, Worker, Workers

from .pairs import Clock, Plan
from .result import Result, fluid_at_least, fluid_at_most

SCHEDULES = 1_000
DAY = 24 * 3600
TICKERS = 10


class Ticker(Worker):
    """Does something once a second."""

    ticks = 0

    async def run(self) -> None:
        while await self.sleep(1):
            self.ticks += 1


class Consumer(QueueConsumer[int]):
    """Counts."""

    handled = 0

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            if await self.get_message() is not None:
                self.handled += 1


class Producer(Worker):
    """Sends a message three times a second."""

    def __init__(self, consumer: Consumer) -> None:
        super().__init__()
        self.consumer = consumer

    async def run(self) -> None:
        while await self.sleep(0.3) and self.consumer.is_running():
            self.consumer.send(1)


async def tree() -> None:
    """Lives for twelve seconds."""
    consumer = Consumer()
    inner = Workers(Producer(consumer), Ticker(name="fast"), name="inner")
    async with Workers(consumer, inner, Ticker(name="slow")):
        await asyncio.sleep(12)
    assert consumer.handled


def results(plan: Plan) -> Iterator[Result]:
    """Measures both."""
    count, seconds = plan.sized(SCHEDULES), plan.sized(DAY)
    per_second = plan.alternate(
        lambda: count / timed(plan.clock, lambda: explore(tree, seeds=count)),
        lambda: count / timed(plan.clock, lambda: [run(tree) for _ in range(count)]),
        pairs=5,
    )
    yield Result("schedules of a tree", "/s", per_second, fluid_at_least(500, "/s"))
    day = plan.alternate(
        lambda: timed(plan.clock, lambda: run(lambda: workers(seconds))),
        lambda: timed(plan.clock, lambda: run(lambda: tasks(seconds))),
        pairs=3,
    )
    name = f"{seconds / 3600:,.0f} hours of {TICKERS} workers"
    yield Result(name, "s", day, fluid_at_most(20, "s"))


def timed(clock: Clock, work: Callable[[], object]) -> float:
    """Returns the seconds that ``work`` takes."""
    began = clock()
    work()
    return clock() - began


async def workers(seconds: float) -> None:
    """Lets ten workers tick."""
    tickers = [Ticker() for _ in range(TICKERS)]
    async with Workers(*tickers):
        await asyncio.sleep(seconds + 0.5)
    assert all(ticker.ticks == seconds for ticker in tickers)


async def tasks(seconds: float) -> None:
    """Lets ten tasks tick."""

    async def tick() -> None:
        for _ in range(round(seconds)):
            await asyncio.sleep(1)

    await asyncio.gather(*(tick() for _ in range(TICKERS)))
