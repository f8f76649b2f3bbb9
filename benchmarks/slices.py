"""How long a consumer with 300,000 waiting messages keeps everybody else from running.

Next to the consumer, another task takes one step after the other and notes the CPU time of the
thread from each to the next: that is how long a timer, a request or a stop would have to wait. The
handler does nothing, and never lets the loop go on by itself. The other side is the hand-written
loop of ``messages.py``, which lets nobody in as long as there is something in its queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from statistics import median
from time import thread_time
from typing import NamedTuple

from .messages import Kind, by_hand, ignore, worker
from .pairs import Plan
from .result import Result, fluid_at_most

MESSAGES = 300_000


class Held(NamedTuple):
    """How long the loop was held, in milliseconds."""

    longest: float
    median: float


async def held(kind: Kind, count: int) -> Held:
    """Lets a consumer handle ``count`` messages that all wait already."""
    async with kind(ignore) as (send, size):
        for number in range(count):
            send(number)
        steps = await ticks(size)
    return Held(max(steps), median(steps))


async def ticks(size: Callable[[], int]) -> list[float]:
    """Steps until nothing waits; returns the milliseconds from each step to the next."""
    steps = []
    before = thread_time()
    while size():
        await asyncio.sleep(0)
        now = thread_time()
        steps.append((now - before) * 1000)
        before = now
    return steps


def results(plan: Plan) -> Iterator[Result]:
    """Measures both in the same runs."""
    count = plan.sized(MESSAGES)
    samples = plan.alternate(
        lambda: asyncio.run(held(worker, count)),
        lambda: asyncio.run(held(by_hand, count)),
    )
    longest = [(fluid.longest, other.longest) for fluid, other in samples]
    typical = [(fluid.median, other.median) for fluid, other in samples]
    yield Result("loop held by a consumer, longest", "ms", longest, fluid_at_most(20, "ms"))
    yield Result("loop held by a consumer, median", "ms", typical, fluid_at_most(5, "ms"))
