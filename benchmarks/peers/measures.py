"""What is timed: the same for every system, in a process of its own that does one thing.

``python -m benchmarks.peers.measures aiomisc messages 1.0`` in the environment of a system prints
what it found as one line of JSON: a figure for each row. Times are those that a user waits, by the
clock on the wall; nobody logs. Each measure counts what the workers did, and raises if that is not
what they were asked for: a failure has no figure.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import cast

from .system import System, Tally
from .systems import SYSTEMS

Figures = dict[str, float]

SIZES = {100: 10, 1_000: 3, 10_000: 1}
"""How many workers are started and stopped, and how often in a process."""
IDLE = 1_000
IDLE_SECONDS = 1.5
SETTLING = 0.5
"""Seconds that a group is left to itself before its CPU time is taken."""
MESSAGES = 20_000
ROUND_TRIPS = 2_000
REPEATS = 5
STOPS = 20
LONG = 2.0
"""Seconds after which three stops are enough."""
PERIOD = 1.0
"""Seconds between two times that a ticker works."""
ASLEEP = 0.05
"""Seconds after its start when it is asleep."""
RESTARTS = 100
LIFE = 0.001
"""Seconds until each life crashes: long enough for its start to be over, whoever started it."""
LIMIT = 60.0
"""Seconds after which waiting for workers has failed."""

ms, us = 1e3, 1e6
clock = time.perf_counter


class NotDoneError(Exception):
    """The workers did not do what was to be measured."""


class CrashError(Exception):
    """Ends a life."""


def check(what: str, found: int, wanted: int) -> None:
    """Raises if what was counted is not what was asked for."""
    if found != wanted:
        raise NotDoneError(f"{what}: {found:,} instead of {wanted:,}")


async def until(what: str, count: Callable[[], int], wanted: int) -> None:
    """Waits until a count is reached, and looks at it in each step of the loop."""
    try:
        async with asyncio.timeout(LIMIT):
            while count() < wanted:
                await asyncio.sleep(0)
    except TimeoutError:
        pass
    check(what, count(), wanted)


# --- what is measured; each returns its rows ------------------------------------------------------


async def lives(system: System, scale: float) -> Figures:
    """Makes, starts and stops groups of several sizes.

    What is imported on demand is there before: the first worker has a row of its own.
    """
    await one_life(system, 1)
    figures: Figures = {}
    for size, repeats in SIZES.items():
        count = sized(size, scale)
        took = [await one_life(system, count) for _ in range(sized(repeats, scale))]
        figures[f"start {size}"] = median(start for start, _ in took)
        figures[f"stop {size}"] = median(stop for _, stop in took)
    return figures


async def one_life(system: System, count: int) -> tuple[float, float]:
    """Returns the milliseconds until all run, the making included, and until all have ended."""
    gc.collect()
    tally = Tally()
    began = clock()
    async with system.sleepers(count, tally):
        await until("workers begun", lambda: tally.begun, count)
        running = clock()
        check("workers ended before their stop", tally.ended, 0)
        stopping = clock()
    await until("workers ended", lambda: tally.ended, count)
    return (running - began) * ms, (clock() - stopping) * ms


async def idle(system: System, scale: float) -> Figures:
    """Leaves a group of sleeping workers alone; takes its CPU time and its memory."""
    cpu, memory = await resting(system.sleepers, scale)
    return {"idle": cpu, "memory": memory}


async def waiting(system: System, scale: float) -> Figures:
    """Does the same with consumers that nobody sends anything."""
    cpu, memory = await resting(system.consumers, scale)
    return {"idle consumers": cpu, "memory of a consumer": memory}


async def resting(group: Callable[[int, Tally], object], scale: float) -> tuple[float, float]:
    """Returns percents of a core for all, and KiB for each."""
    run = cast("Callable[[int, Tally], asyncio.Timeout]", group)  # any asynchronous context
    async with run(1, Tally()):
        await asyncio.sleep(0)  # what is imported on demand is there, and counts for nobody
    gc.collect()
    before, tally = resident(), Tally()
    async with run(IDLE, tally):
        await until("workers begun", lambda: tally.begun, IDLE)
        gc.collect()
        memory = (resident() - before) / IDLE / 1024
        await asyncio.sleep(SETTLING)
        began, cpu_before = clock(), time.process_time()
        await asyncio.sleep(IDLE_SECONDS * max(scale, 0.3))
        cpu = (time.process_time() - cpu_before) / (clock() - began)
        check("workers ended before their stop", tally.ended, 0)
    await until("workers ended", lambda: tally.ended, IDLE)
    return 100 * cpu, memory


async def messages(system: System, scale: float) -> Figures:
    """Sends many messages to one consumer, and waits until it has handled all."""
    count, handled = sized(MESSAGES, scale), 0

    async def count_it(_: object) -> None:
        nonlocal handled
        handled += 1

    rates: list[float] = []
    async with system.consumer(count_it) as send:
        for repeat in range(1, REPEATS + 1):
            began = clock()
            for number in range(count):
                send(number)
            await until("messages handled", lambda: handled, count * repeat)
            rates.append(count / (clock() - began) / 1000)
    return {"messages": median(rates)}


async def round_trips(system: System, scale: float) -> Figures:
    """Sends one message at a time, the next when the one before was handled."""
    count, handled = sized(ROUND_TRIPS, scale), 0
    loop = asyncio.get_running_loop()

    async def answer(reply: asyncio.Future[None]) -> None:
        nonlocal handled
        handled += 1
        reply.set_result(None)

    took: list[float] = []
    async with system.consumer(answer) as send:
        for _ in range(REPEATS):
            began = clock()
            for _ in range(count):
                reply = loop.create_future()
                send(reply)
                await reply
            took.append((clock() - began) / count * us)
    check("messages handled", handled, count * REPEATS)
    return {"round trip": median(took)}


async def stops(system: System, scale: float) -> Figures:
    """Stops a worker that has just fallen asleep for a second."""
    took: list[float] = []
    enough, began_at = sized(STOPS, scale), clock()
    while len(took) < 3 or (len(took) < enough and clock() - began_at < LONG):
        tally = Tally()
        async with system.ticker(PERIOD, tally):
            await asyncio.sleep(ASLEEP)
            check("times that it had worked", tally.worked, 1)
            began = clock()
        took.append((clock() - began) * ms)
    return {"stop of a sleeping worker": median(took)}


async def restarts(system: System, scale: float) -> Figures:
    """Crashes a worker again and again, and looks at when its next life begins."""
    wanted, crashed_at = sized(RESTARTS, scale), 0.0
    took: list[float] = []
    over = asyncio.Event()

    async def life() -> None:
        nonlocal crashed_at
        now = clock()
        if crashed_at:
            took.append((now - crashed_at) * us)
        if len(took) == wanted:
            over.set()
            await asyncio.sleep(3600)
        await asyncio.sleep(LIFE)
        crashed_at = clock()
        raise CrashError

    running = system.restarted(life)
    if running is None:
        return {}
    async with running, asyncio.timeout(LIMIT):
        await over.wait()
        check("restarts", len(took), wanted)
    return {"restart": median(took)}


Measure = Callable[[System, float], Coroutine[None, None, Figures]]
MEASURES: dict[str, Measure] = {
    "lives": lives,
    "idle": idle,
    "waiting": waiting,
    "messages": messages,
    "round trips": round_trips,
    "stops": stops,
    "restarts": restarts,
}


def sized(size: int, scale: float) -> int:
    """Returns a size to scale, at least 1."""
    return max(round(size * scale), 1)


def resident() -> int:
    """Returns the bytes of this process in memory."""
    import resource

    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except FileNotFoundError:  # the most so far, where only that is known
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(pages) * resource.getpagesize()


def system_of(name: str) -> System:
    """Returns the module of a system, which imports what its environment has."""
    module = importlib.import_module(f".systems.{SYSTEMS[name].module}", __package__)
    return cast("System", module)


def main() -> None:
    """Measures what the arguments of the process say, and prints it."""
    name, measure, scale = sys.argv[1:]
    logging.disable()
    print(json.dumps(asyncio.run(MEASURES[measure](system_of(name), float(scale)))))


if __name__ == "__main__":
    main()
