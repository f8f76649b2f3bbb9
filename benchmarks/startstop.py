"""Starting and stopping 5,000 workers in a ``Workers`` group, against 5,000 bare tasks.

A worker sleeps until it is stopped; a task waits for an event of its own. Starting is over when
every one of them is there and waiting, stopping when the last has ended and its end is known. A
worker does more in between, and the ratio is the price of that: it has a state that others may wait
for, is ready before the next one starts, and has deadlines that end it if it does not end itself.

The workers, and the events, are made beforehand. The second line includes making them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from fluid.utils.worker import Worker, Workers

from .pairs import Clock, Plan
from .result import Result, ratio_at_most

WORKERS = 5_000
PAIRS = 21


class Idle(Worker):
    """Waits until it is stopped."""

    async def run(self) -> None:
        await self.sleep(inf)


class Took(NamedTuple):
    """What it took, in milliseconds."""

    start_and_stop: float
    whole: float
    """The same, and making them."""


async def with_workers(clock: Clock, count: int) -> Took:
    """Starts and stops a group of ``count`` workers."""
    began = clock()
    group = Workers(*[Idle() for _ in range(count)])
    made = clock()
    await group.startup()
    await group.shutdown()
    ended = clock()
    return Took((ended - made) * 1000, (ended - began) * 1000)


async def with_tasks(clock: Clock, count: int) -> Took:
    """Does the same with ``count`` tasks."""
    began = clock()
    events = [asyncio.Event() for _ in range(count)]
    made = clock()
    tasks = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.sleep(0)
    for event in events:
        event.set()
    await asyncio.gather(*tasks)
    ended = clock()
    return Took((ended - made) * 1000, (ended - began) * 1000)


def results(plan: Plan) -> Iterator[Result]:
    """Measures it once, and tells it both ways."""
    count = plan.sized(WORKERS)
    samples = plan.alternate(
        lambda: asyncio.run(with_workers(plan.clock, count)),
        lambda: asyncio.run(with_tasks(plan.clock, count)),
        pairs=PAIRS,
    )
    bare = [(fluid.start_and_stop, other.start_and_stop) for fluid, other in samples]
    whole = [(fluid.whole, other.whole) for fluid, other in samples]
    yield Result(f"start and stop of {count:,} workers", "ms", bare, ratio_at_most(4))
    yield Result("  the same, and making them", "ms", whole)
