"""What 10,000 idle workers cost while nothing happens, against 10,000 tasks that sleep.

CPU: the CPU time of the process, by the time that passes, while the loop sleeps. Nothing in fluid
polls, so this has to be what a process takes in which there is nothing to do. Memory: what the
process grows by, from a running loop with nothing in it to all of them waiting, by the system's
account; that includes the group's own, and what the allocator keeps. Each side of each pair is a
process of its own, as a process does not give back what it has used once.

``python -m benchmarks.idle workers 10000 2`` is such a process: what, how many, and for how many
seconds.
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
LEAST_SECONDS = 0.5
"""Waking up after it has a price of its own, which would be seen in a shorter time."""
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
    return idling(plan, __name__, "worker", than="task")


def idling(plan: Plan, module: str, kind: str, *, than: str) -> Iterator[Result]:
    """Compares many of one kind with as many of another; ``module`` knows how to idle with them."""
    count, seconds = plan.sized(WORKERS), max(SECONDS * plan.scale, LEAST_SECONDS)

    def measured(what: str) -> Cost:
        return Cost(*json.loads(python("-m", module, what, str(count), str(seconds)).stdout))

    samples = plan.alternate(lambda: measured(f"{kind}s"), lambda: measured(f"{than}s"))
    cpu = [(fluid.cpu, other.cpu) for fluid, other in samples]
    memory = [(fluid.memory, other.memory) for fluid, other in samples]
    yield Result(f"CPU of {count:,} idle {kind}s", "%", cpu, fluid_at_most(0.1, "%"))
    yield Result(f"memory of an idle {kind}", "KiB", memory)


# --- in the new process --------------------------------------------------------------------------


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
    began, cpu_before = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    cpu = (time.process_time() - cpu_before) / (time.perf_counter() - began)
    return Cost(100 * cpu, memory)


def resident() -> int:
    """Returns the bytes of the process in memory; the most so far, where only that is known."""
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


def tell(kinds: dict[str, Callable[[int, float], Coroutine[None, None, Cost]]]) -> None:
    """Idles as the arguments of the process say, and prints what that took."""
    what, count, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(kinds[what](int(count), float(seconds)))))


if __name__ == "__main__":
    tell(KINDS)
