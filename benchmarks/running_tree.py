"""What the processes run that ``running.py`` measures, with no import in vain."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from math import inf

from fluid import PeriodicWorker, QueueConsumerWorker, Supervisor, Worker, Workers, every
from fluid import events as event

SETTLING = 0.2
"""Seconds that everything is left to itself before CPU time is taken."""


class Waiting(Worker):
    """Waits until it is stopped."""

    async def run(self) -> None:
        await self.sleep(inf)


async def ignore(*_message: object) -> None:
    """Handles nothing."""


def small() -> Worker:
    """Three workers, that say when all of them are ready."""
    timer = PeriodicWorker(ignore, every(3600, first="after"), name="timer")
    consumer: QueueConsumerWorker[object] = QueueConsumerWorker(ignore, name="consumer")
    group = Workers(Waiting(), consumer, timer, name="app")

    def tell(what: event.WorkerEvent) -> None:
        if isinstance(what, event.WorkerReady) and what.path == "app":
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    group.subscribe(tell)
    return group


def idle(count: str, seconds: str) -> Worker:
    """Idle workers of all kinds, and one that says what they cost."""
    each = max(int(count) // 4, 1)
    return Workers(*of_all_kinds(each), Meter(float(seconds)), name="app")


def of_all_kinds(each: int) -> list[Worker]:
    """Returns ``each`` workers of each of four kinds, some of them in groups."""
    return [
        Workers(*[Waiting(name=f"w{number}") for number in range(each)], name="some"),
        Supervisor(*[Waiting(name=f"s{number}") for number in range(each)], name="supervised"),
        *[QueueConsumerWorker[object](ignore, name=f"q{number}") for number in range(each)],
        *[
            PeriodicWorker(ignore, every(3600, first="after"), name=f"t{number}")
            for number in range(each)
        ],
    ]


def busy(seconds: str) -> Worker:
    """A loop that is full of short callbacks, and somebody who says what the detector costs."""
    return Workers(Busy(), Meter(float(seconds)), name="app")


class Busy(Worker):
    """Has the loop call something all the time."""

    calls: int = 0

    async def run(self) -> None:
        while self.is_running():
            Busy.calls += 1
            await asyncio.sleep(0)


class Meter(Worker):
    """Says what some seconds have cost, and ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds: float = seconds

    async def run(self) -> None:
        await self.sleep(min(SETTLING, self.seconds))
        before = figures()
        await self.sleep(self.seconds)
        took = [after - earlier for earlier, after in zip(before, figures(), strict=True)]
        sys.stdout.write(json.dumps(took) + "\n")


def figures() -> tuple[float, float, float, int]:
    """Returns the time, the CPU time of the process, that of the watching thread, and the calls."""
    return time.perf_counter(), time.process_time(), watching(), Busy.calls


def watching() -> float:
    """Returns the CPU time of the thread that watches, where threads have clocks."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    for thread in threading.enumerate():
        if thread.name == "fluid.watch" and clock_of is not None and thread.ident is not None:
            return time.clock_gettime(clock_of(thread.ident))
    return 0.0
