"""What supervision costs: many children, one restart.

Starting and stopping 10,000 children under a ``Supervisor`` is compared with 10,000 bare tasks, as
``startstop`` does for a group; but a supervisor stops its children one after the other, the last
first, which the tasks do not. Its other line compares it with itself: ten times the children, with
the garbage collector off. Left on, that goes through all that lives again and again, and ten times
as many bare tasks take thirteen times as long, too.

A restart is a child that crashes and is running again, without a back-off: the child's task ends,
its end is judged and counted, a new instance is made and started. What is timed is 2,000 of them in
a row. The other side is the least that anybody could do by hand: a task that raises, a done
callback, and the next task.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator

from fluid import Backoff, Supervisor, Worker

from .pairs import Clock, Plan
from .result import Result, fluid_at_most, ratio_at_most
from .startstop import Idle, with_tasks

CHILDREN = 10_000
RESTARTS = 2_000
PAIRS = 11


class CrashError(Exception):
    """Ends a child."""


async def with_children(clock: Clock, count: int) -> float:
    """Starts and stops a supervisor of ``count`` children; returns milliseconds."""
    supervisor = Supervisor(*[Idle() for _ in range(count)])
    began = clock()
    await supervisor.startup()
    await supervisor.shutdown()
    return (clock() - began) * 1000


async def with_children_uncollected(clock: Clock, count: int) -> float:
    """Does the same with the garbage collector off."""
    gc.disable()
    try:
        return await with_children(clock, count)
    finally:
        gc.enable()


class Crashing(Worker):
    """Crashes at once, until it has done so often enough."""

    lives = 0
    done = asyncio.Event()

    async def run(self) -> None:
        Crashing.lives -= 1
        if Crashing.lives:
            raise CrashError
        Crashing.done.set()
        await self.sleep(3600)


async def restarts_of_a_child(clock: Clock, count: int) -> float:
    """Returns the microseconds of one restart, of ``count`` in a row."""
    Crashing.lives, Crashing.done = count + 1, asyncio.Event()
    began = clock()
    async with Supervisor(Crashing, backoff=Backoff(initial=0), max_restarts=count):
        await Crashing.done.wait()
        return (clock() - began) / count * 1e6


async def restarts_by_hand(clock: Clock, count: int) -> float:
    """Does the same with tasks."""
    left, done = count, asyncio.Event()

    async def crash() -> None:
        raise CrashError

    def again(task: asyncio.Task[None]) -> None:
        nonlocal left
        task.exception()
        left -= 1
        if left:
            start()
        else:
            done.set()

    def start() -> None:
        asyncio.create_task(crash()).add_done_callback(again)

    began = clock()
    start()
    await done.wait()
    return (clock() - began) / count * 1e6


def results(plan: Plan) -> Iterator[Result]:
    """Measures all of it."""
    count, restarts = plan.sized(CHILDREN), plan.sized(RESTARTS)

    def uncollected(number: int) -> float:
        return asyncio.run(with_children_uncollected(plan.clock, number))

    yield Result(
        f"start and stop of {count:,} children",
        "ms",
        plan.alternate(
            lambda: asyncio.run(with_children(plan.clock, count)),
            lambda: asyncio.run(with_tasks(plan.clock, count)).start_and_stop,
            pairs=PAIRS,
        ),
        ratio_at_most(4),
    )
    yield Result(
        f"  the same, to {count // 10:,} children",
        "ms",
        plan.alternate(lambda: uncollected(count), lambda: uncollected(count // 10), pairs=PAIRS),
        ratio_at_most(12),
    )
    log, level = logging.getLogger("fluid"), logging.getLogger("fluid").level
    log.setLevel(logging.CRITICAL + 1)  # what a log line costs is the log's business
    try:
        yield Result(
            "one restart",
            "us",
            plan.alternate(
                lambda: asyncio.run(restarts_of_a_child(plan.clock, restarts)),
                lambda: asyncio.run(restarts_by_hand(plan.clock, restarts)),
                pairs=PAIRS,
            ),
            fluid_at_most(100, "us"),
        )
    finally:
        log.setLevel(level)
