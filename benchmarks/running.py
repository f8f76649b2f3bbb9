"""What ``fluid run`` costs: to start a process, to keep an idle one, to watch its loop, to stop it.

Start: from the exec of ``fluid run`` until the root worker is ready, seen from outside, against a
whole ``python -c "import asyncio"``. Both find their bytecode, as installed packages do: the first
pair, which does not count, has written it. Stop: from SIGTERM until the process is gone, against a
program on bare asyncio that ends its tasks.

Idle: the CPU time of a process with 100 workers of all kinds, all settings as they are by default,
against one with 100 tasks that sleep. The stall detector is a thread; its price is the CPU time of
that thread, by its own clock, while the loop idles, and while the loop is full of short callbacks.
What it has the loop do besides, one call in a quarter of a second, is in the last line: the calls
that the loop gets done in a second of CPU time, with the detector and without.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import NamedTuple

from . import idle
from .pairs import ROOT, Plan, python
from .result import Result, Target, fluid_at_most

WORKERS = 100
SECONDS = 10.0
BUSY_SECONDS = 2.0

STARTS = 21
PAIRS = 3

MODULE = "benchmarks.running_tree"
ASYNCIO = "import asyncio"

BARE = """
import asyncio, signal

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(stop.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    print("ready", flush=True)
    await asyncio.gather(*tasks)

asyncio.run(main())
"""

START = Target(
    "fluid <= 1.5 other + 150 ms", lambda result: result.fluid <= 1.5 * result.other + 150
)


class Life(NamedTuple):
    """How long it took, in milliseconds."""

    start: float
    stop: float


class Cost(NamedTuple):
    """What some seconds have cost."""

    cpu: float
    """In percent of one core."""
    watching: float
    """Of that, the thread's that watches."""
    calls: float
    """Calls in a second of CPU time."""


def results(plan: Plan) -> Iterator[Result]:
    """Measures lives first, then idling, then a loop that is busy."""
    with TemporaryDirectory() as cache:
        yield from _lives(plan, cache)
        yield from _idling(plan, cache)
        yield from _busy(plan, cache)


def _lives(plan: Plan, cache: str) -> Iterator[Result]:
    program = ("-m", "fluid", "run", f"{MODULE}:small")
    samples = plan.alternate(
        lambda: life(cache, *program),
        lambda: Life(whole(cache, "-c", ASYNCIO), life(cache, "-c", BARE).stop),
        pairs=STARTS,
    )
    starts = [(fluid.start, other.start) for fluid, other in samples]
    stops = [(fluid.stop, other.stop) for fluid, other in samples]
    yield Result("fluid run, from exec to ready", "ms", starts, START)
    yield Result("  from SIGTERM to its end", "ms", stops)


def _idling(plan: Plan, cache: str) -> Iterator[Result]:
    seconds = max(SECONDS * plan.scale, idle.LEAST_SECONDS)
    samples = plan.alternate(
        lambda: cost(cache, "run", f"{MODULE}:idle", "--", str(WORKERS), str(seconds)),
        lambda: bare_cost(WORKERS, seconds),
        pairs=PAIRS,
    )
    cpu = [(fluid.cpu, other.cpu) for fluid, other in samples]
    watching = [(fluid.watching, 0.0) for fluid, _ in samples]
    yield Result(f"  CPU of {WORKERS} idle workers", "%", cpu, fluid_at_most(0.1, "%"))
    yield Result("  of that, the stall detector's", "%", watching, fluid_at_most(0.5, "%"))


def _busy(plan: Plan, cache: str) -> Iterator[Result]:
    seconds = str(max(BUSY_SECONDS * plan.scale, idle.LEAST_SECONDS))
    off = ("--stall-threshold", "0")
    samples = plan.alternate(
        lambda: cost(cache, "run", f"{MODULE}:busy", "--", seconds),
        lambda: cost(cache, "run", *off, f"{MODULE}:busy", "--", seconds),
        pairs=PAIRS,
    )
    watching = [(fluid.watching, other.watching) for fluid, other in samples]
    calls = [(fluid.calls / 1000, other.calls / 1000) for fluid, other in samples]
    yield Result("  the stall detector, busy loop", "%", watching, fluid_at_most(0.5, "%"))
    yield Result("  calls with and without it", "/ms", calls)


# --- one process ---------------------------------------------------------------------------------


def life(cache: str, *arguments: str) -> Life:
    """Starts a process, waits until it is ready, and stops it."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **bytecode(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"it did not start: {' '.join(arguments)}")
        ready = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait()
        ended = time.perf_counter()
    return Life((ready - began) * 1000, (ended - ready) * 1000)


def whole(cache: str, *arguments: str) -> float:
    """Returns the milliseconds of a process, from exec to exit."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env={**os.environ, **bytecode(cache)}, check=True)
    return (time.perf_counter() - began) * 1000


def cost(cache: str, *arguments: str) -> Cost:
    """Runs a process that has a meter, and returns what that says."""
    printed = python("-m", "fluid", *arguments, **bytecode(cache)).stdout
    seconds, cpu, watching, calls = json.loads(printed)
    return Cost(100 * cpu / seconds, 100 * watching / seconds, calls / cpu)


def bare_cost(count: int, seconds: float) -> Cost:
    """Runs a process with tasks that sleep, and returns what they cost."""
    printed = python("-m", idle.__name__, "tasks", str(count), str(seconds)).stdout
    return Cost(json.loads(printed)[0], 0.0, 0.0)


def bytecode(cache: str) -> dict[str, str]:
    """Returns the variables that have the bytecode of all written, and read, in one place."""
    return {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
