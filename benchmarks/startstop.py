"""Starting and stopping 5,000 workers in a ``Workers`` group, against 5,000 bare tasks.

A worker sleeps until it is stopped; a task waits for an event of its own. Starting is over when every
one of them is there and waiting, stopping when the last has ended and its end is known. A worker does
more in between, which is what the ratio is the price of: it has a state that others may wait for, is
ready before the next one starts, and has deadlines that end it if it does not end by itself.

The workers, and the events, are made beforehand. The second line includes making them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial

from fluid.utils.worker import Worker, Workers

from .pairs import Clock, Plan
from .result import Result, ratio_at_most

WORKERS = 5_000

Milliseconds = tuple[float, float]
"""Without and with making the workers."""


class Idle(Worker):
    """Waits until it is stopped."""

    async def run(self) -> None:
        while await self.sleep(3600):
            pass


async def with_workers(clock: Clock, count: int) -> Milliseconds:
    """Starts and stops a group of ``count`` workers."""
    began = clock()
    group = Workers(*[Idle() for _ in range(count)])
    made = clock()
    await group.startup()
    await group.shutdown()
    ended = clock()
    return (ended - made) * 1000, (ended - began) * 1000


async def with_tasks(clock: Clock, count: int) -> Milliseconds:
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
    return (ended - made) * 1000, (ended - began) * 1000


def results(plan: Plan) -> Iterator[Result]:
    """Measures it once, and tells it both ways."""
    count = plan.sized(WORKERS)

    def side(main: Callable[[Clock, int], Coroutine[None, None, Milliseconds]]) -> Milliseconds:
        return asyncio.run(main(plan.clock, count))

    samples = plan.alternate(partial(side, with_workers), partial(side, with_tasks))
    bare = [(fluid[0], other[0]) for fluid, other in samples]
    whole = [(fluid[1], other[1]) for fluid, other in samples]
    yield Result(f"start and stop of {count:,} workers", "ms", bare, ratio_at_most(4))
    yield Result("  the same, and making them", "ms", whole)
