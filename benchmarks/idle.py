"""What 10,000 idle workers cost while nothing happens, against 10,000 tasks that sleep.

CPU: the CPU time of the process, by the time that passes, while the loop sleeps. Nothing in fluid
polls, so this is to be what an empty process takes. Memory: what the process grows by, from a running
loop with nothing in it to all of them waiting, by the system's account of it; so it includes what the
allocator keeps, and the group's own. Each side of each pair is a process of its own, as memory that
was in use once is not given back.

``python -m benchmarks.idle workers 10000 2`` is such a process: what, how many, for how many seconds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import NamedTuple

from fluid.utils.worker import Workers

from .pairs import Plan, python
from .result import Result, fluid_at_most
from .startstop import Idle

WORKERS = 10_000
SECONDS = 2.0
SETTLING = 0.2
"""Seconds that the loop is left to itself before CPU time is taken."""


class Cost(NamedTuple):
    """What idling took."""

    cpu: float
    """In percent of one core."""
    memory: float
    """In KiB for each worker."""


def results(plan: Plan) -> Iterator[Result]:
    """Measures both in the same processes."""
    count, seconds = plan.sized(WORKERS), SECONDS * max(plan.scale, 0.1)

    def side(what: str) -> Callable[[], Cost]:
        arguments = ("-m", __name__, what, str(count), str(seconds))
        return lambda: Cost(*json.loads(python(*arguments).stdout))

    samples = plan.alternate(side("workers"), side("tasks"))
    cpu = [(fluid.cpu, other.cpu) for fluid, other in samples]
    memory = [(fluid.memory, other.memory) for fluid, other in samples]
    yield Result(f"CPU of {count:,} idle workers", "%", cpu, fluid_at_most(0.1, "%"))
    yield Result("memory of an idle worker", "KiB", memory)


# --- in the new process ---------------------------------------------------------------------------


async def idle_workers(count: int, seconds: float) -> Cost:
    """Idles with ``count`` workers in a group."""
    before = resident()
    async with Workers(*[Idle() for _ in range(count)]):
        return await idle(before, count, seconds)


async def idle_tasks(count: int, seconds: float) -> Cost:
    """Idles with ``count`` tasks."""
    before = resident()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    cost = await idle(before, count, seconds)
    for task in tasks:
        task.cancel()
    return cost


async def idle(before: int, count: int, seconds: float) -> Cost:
    """Does nothing for a while, and tells what it took."""
    gc.collect()
    memory = (resident() - before) / count / 1024
    await asyncio.sleep(SETTLING)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    cpu = time.process_time() - cpu
    return Cost(100 * cpu / (time.perf_counter() - began), memory)


def resident() -> int:
    """Returns the bytes that the process has in memory; the most so far, where that is all known."""
    import resource

    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(pages) * resource.getpagesize()


KINDS: dict[str, Callable[[int, float], Coroutine[None, None, Cost]]] = {
    "workers": idle_workers,
    "tasks": idle_tasks,
}

if __name__ == "__main__":
    what, count, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(KINDS[what](int(count), float(seconds)))))
