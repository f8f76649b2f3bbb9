"""Trees of workers, run in many schedules; prints what each run amounts to, as JSON.

    python -m tests.testing.replaying 50

A program of its own, because what is compared are processes: other addresses, other hashes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import product
from math import inf
from typing import Any

from fluid import MailboxFull, QueueConsumer, Worker, Workers
from fluid.testing import Conditions, Schedule, Simulation, Strike
from fluid.testing.schedules.schedule import policy_of
from fluid.testing.schedules.simulate import quiet
from tests.testing.watching import watched


class Ticker(Worker):
    """Does something every quarter of a second, some of it in a thread."""

    ticks = 0

    async def run(self) -> None:
        while await self.sleep(0.25):
            self.ticks += await asyncio.to_thread(int, "1")


class Consumer(QueueConsumer[int]):
    """Adds up what it is sent."""

    total = 0

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            message = await self.get_message(timeout=0.5)
            self.total += message or 0


class Producer(Worker):
    """Sends a message now and then."""

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(**options)
        self.consumer = consumer

    async def run(self) -> None:
        while await self.sleep(0.1) and self.consumer.is_running():
            try:
                self.consumer.send(1)
            except MailboxFull:
                await self.sleep(0.5)


class Fragile(Worker):
    """Waits until it breaks."""

    def __init__(self, after: float, **options: Any) -> None:
        super().__init__(**options)
        self.after = after

    async def run(self) -> None:
        await self.sleep(self.after)
        if self.is_running():
            raise ValueError(self.worker_path)


class Slow(Worker):
    """Takes its time to start and to stop."""

    async def on_startup(self) -> None:
        await asyncio.sleep(0.2)

    async def run(self) -> None:
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        await asyncio.sleep(0.2)


async def live(sim: Simulation, root: Worker) -> None:
    """Starts a tree, lets it live for two seconds, and stops it, whatever befalls it."""
    sim.offer("stop", root.gracefully_stop)
    sim.offer("force", root._worker.force)
    start = asyncio.ensure_future(root.startup())
    sim.offer("cancel the starter", start.cancel)
    await asyncio.wait([start])
    if root.has_started():
        await asyncio.sleep(2)
        stops = [asyncio.ensure_future(root.shutdown()) for _ in range(2)]
        await asyncio.wait(stops)
        for stop in (start, *stops):
            stop.cancelled() or stop.exception()


async def a_queue_with_tickers(sim: Simulation) -> None:
    consumer = Consumer(name="consumer")
    inner = Workers(Producer(consumer, name="producer"), Ticker(name="fast"), name="inner")
    await live(sim, Workers(consumer, inner, Ticker(name="slow"), name="app"))


async def a_crash_among_siblings(sim: Simulation) -> None:
    crash = Fragile(sim.random().uniform(0, 2), name="fragile")
    siblings = [Slow(name="one"), Slow(name="two"), Ticker(name="three")]
    await live(sim, Workers(*siblings, Workers(crash, Slow(name="four"), name="inner"), name="app"))


async def two_crashes_at_one_instant(sim: Simulation) -> None:
    crashes = [Fragile(0.5, name=name) for name in "ab"]
    await live(sim, Workers(*crashes, Slow(name="slow"), Ticker(name="ticker"), name="app"))


async def many_alike(sim: Simulation) -> None:
    await live(sim, Workers(*(Slow(name=f"slow{n}") for n in range(8)), name="app"))


TREES = (a_queue_with_tickers, a_crash_among_siblings, two_crashes_at_one_instant, many_alike)
FAULTS = ("stop", "force", "cancel the starter", "gc", "job")


def schedule_of(seed: int) -> Schedule:
    """Returns a schedule; two of three have a fault."""
    strike = Strike(FAULTS[seed % len(FAULTS)], 3 + seed * 7 % 60)
    return Schedule(policy_of(seed), seed, strikes=(strike,) if seed % 3 else ())


def digests(seeds: int) -> dict[str, str]:
    """Returns what each run amounts to: every step, and how it ended."""
    found = {}
    with quiet(Conditions()):
        for tree, seed in product(TREES, range(seeds)):
            schedule = str(schedule_of(seed))
            run = watched(tree, schedule)
            found[f"{tree.__name__} {schedule}"] = f"{run.digest} {run.fired} {run.error!r}"
    return found


if __name__ == "__main__":
    json.dump(digests(int(sys.argv[1])), sys.stdout)
