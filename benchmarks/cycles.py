"""Starts and ends workers, again and again, and measures what is left of them.

Nothing may be: no memory, task, timer, thread or file descriptor, whatever ended the worker; and
nothing for the garbage collector, unless an error ended it, whose traceback leads back to it.

Usage: ``python -m benchmarks.cycles [--cycles 1000000] [--only KIND]``. There is a line for each
kind of end; the exit code is 1 if one of them has taken more than ``MOST_KIB`` of memory. A million
of each take about an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from fluid import (
    Backoff,
    DynamicSupervisor,
    Overlap,
    PeriodicWorker,
    QueueConsumer,
    QueueConsumerWorker,
    Supervisor,
    Worker,
    WorkerFunction,
    Workers,
    cron,
    every,
)
from fluid.errors import WorkerStartError
from fluid.testing.belongings import descriptors, timers_of

MOST_KIB = 1024
"""Memory that a kind may take from its warm-up to its end, however many cycles lie between."""

WARM_UP = 2_000

Cycle: TypeAlias = Callable[[], Awaitable[object]]


class BoomError(Exception):
    """Ends a worker."""


class Idle(Worker):
    """Waits until it is stopped."""

    async def run(self) -> None:
        await self.sleep(inf)


class Brief(Worker):
    """Has nothing to do."""

    async def run(self) -> None:
        pass


class Deaf(Worker):
    """Has to be cancelled."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Stubborn(Worker):
    """Has to be abandoned, and ends as soon as it was."""

    cancel_period = 0

    async def run(self) -> None:
        while self.worker_exit is None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)


class Slow(Idle):
    """Never gets through its start."""

    async def on_startup(self) -> None:
        await asyncio.Event().wait()


class Furnished(Idle):
    """Has every hook, and something on its exit stack."""

    async def on_startup(self) -> None:
        self.worker_exit_stack.push_async_callback(asyncio.sleep, 0)

    async def on_shutdown(self) -> None:
        await asyncio.sleep(0)


class Asking(Worker):
    """Waits for what takes longer than it has."""

    async def run(self) -> None:
        await self.wait_or_stop(asyncio.sleep(3600))


class Failing(Worker):
    """Fails as it runs."""

    async def run(self) -> None:
        raise BoomError


class BadStart(Idle):
    """Fails as it starts."""

    async def on_startup(self) -> None:
        raise BoomError


class Taking(QueueConsumer[int]):
    """Takes its messages itself."""

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            await self.get_message()


class Keeping(QueueConsumerWorker[int]):
    """Takes back what it could not handle."""

    async def on_undelivered(self, messages: Sequence[int]) -> None:
        await asyncio.sleep(0)


async def used(worker: Worker) -> None:
    """Starts a worker and stops it."""
    async with worker:
        await asyncio.sleep(0)


async def used_with_messages(consumer: QueueConsumer[int]) -> None:
    """Starts a consumer, sends it something, and stops it."""
    async with consumer:
        for number in range(3):
            consumer.send(number)
        await asyncio.sleep(0)


async def fired(on_fire: Callable[[], Awaitable[object]], **options: Any) -> None:
    """Starts a worker that fires, and stops it."""
    await used(PeriodicWorker(on_fire, **{"schedule": every(0.001), **options}))


async def ended(worker: Worker) -> None:
    """Starts a worker, waits for its end, and lets the loop finish with it."""
    with suppress(BoomError):
        await worker.startup()
        await worker.wait_for_shutdown()
    await asyncio.sleep(0)


async def given_up(worker: Worker) -> None:
    """Stops a worker that refuses to end, and waits until it has ended all the same."""
    await used(worker)
    for _ in range(3):
        await asyncio.sleep(0)


async def stopped_as_it_starts(worker: Worker) -> None:
    """Stops a worker before it is ready."""
    start = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(0)
    worker.gracefully_stop()
    await asyncio.wait([start])
    assert isinstance(start.exception(), WorkerStartError)


async def cancelled_as_it_starts(worker: Worker) -> None:
    """Cancels whoever starts a worker."""
    start = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait([start])
    assert start.cancelled()


async def nothing(*_: object) -> None:
    """Is polled, or handles a message."""


async def for_ever(_: object) -> None:
    """Never handles its message."""
    await asyncio.Event().wait()


async def for_ever_too() -> None:
    """Never ends its fire."""
    await asyncio.Event().wait()


async def fail() -> None:
    """Fails its fire."""
    raise BoomError


ONCE = every(1, max_fires=1)
THREE = Overlap.concurrent(3)

ENDS: dict[str, Cycle] = {
    "it ends by itself": lambda: ended(Brief()),
    "it is stopped": lambda: used(Idle()),
    "it is stopped, and cleans up": lambda: used(Furnished()),
    "it is stopped in wait_or_stop": lambda: used(Asking()),
    "it is stopped by force": lambda: used(Deaf(stopping_grace_period=0)),
    "it is abandoned": lambda: given_up(Stubborn(stopping_grace_period=0)),
    "it is stopped as it starts": lambda: stopped_as_it_starts(Slow()),
    "its starter is cancelled": lambda: cancelled_as_it_starts(Slow()),
    "a function is stopped": lambda: used(WorkerFunction(nothing, heartbeat=3600)),
    "a consumer is stopped": lambda: used_with_messages(QueueConsumerWorker(nothing)),
    "a consumer with get_message is stopped": lambda: used_with_messages(Taking()),
    "a consumer is cut": lambda: used_with_messages(Keeping(for_ever, stopping_grace_period=0)),
    "a timer is stopped": lambda: fired(nothing),
    "a timer by the time of day is stopped": lambda: fired(nothing, schedule=cron("@daily")),
    "a timer is over": lambda: ended(PeriodicWorker(nothing, ONCE)),
    "a timer is stopped by force": lambda: fired(for_ever_too, stopping_grace_period=0),
    "a timer with several at once is stopped": lambda: fired(nothing, overlap=THREE),
    "a timer with several at once is over": lambda: ended(
        PeriodicWorker(nothing, ONCE, overlap=THREE)
    ),
    "a timer with several at once is stopped by force": lambda: fired(
        for_ever_too, overlap=THREE, stopping_grace_period=0
    ),
    "a group is stopped": lambda: used(Workers(Idle(), Furnished(), stop_in_reverse=True)),
    "a group ends with a child": lambda: ended(Workers(Idle(), Brief())),
    "a group is stopped by force": lambda: used(Workers(Deaf(), stopping_grace_period=0)),
    "a group in a group is stopped": lambda: used(Workers(Workers(Idle()))),
}
"""Ends without an error."""

FAILURES: dict[str, Cycle] = {
    "it fails": lambda: ended(Failing()),
    "it fails to start": lambda: ended(BadStart()),
    "a timer fails": lambda: ended(PeriodicWorker(fail, ONCE)),
    "a timer with several at once fails": lambda: ended(PeriodicWorker(fail, ONCE, overlap=THREE)),
    "a group fails with a child": lambda: ended(Workers(Idle(), Failing())),
    "a group fails to start": lambda: ended(Workers(Idle(), BadStart())),
}
"""Ends by an error, which is kept until the worker is collected."""


class Restless(Worker):
    """Fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()

    async def run(self) -> None:
        self.told.clear()
        if await self.wait_or_stop(self.told.wait()):
            raise BoomError


NO_BACKOFF = Backoff(initial=0)


@asynccontextmanager
async def temporary_children(kind: type[Worker]) -> AsyncIterator[Cycle]:
    """Lends what starts a temporary child and sees it end."""
    supervisor: DynamicSupervisor[[], Worker] = DynamicSupervisor(kind, restart="temporary")

    async def cycle() -> None:
        child = await supervisor.start_child()
        await asyncio.sleep(0)  # its first step
        child.gracefully_stop()
        while supervisor.num_workers:
            await asyncio.sleep(0)

    async with supervisor:
        yield cycle


@asynccontextmanager
async def added_children() -> AsyncIterator[Cycle]:
    """Lends what adds a child and removes it."""
    async with Supervisor(Idle) as supervisor:

        async def cycle() -> None:
            child = await supervisor.add_child(Idle)
            await asyncio.sleep(0)
            await supervisor.remove_child(child)

        yield cycle


@asynccontextmanager
async def restarts(
    child: type[Worker] | Worker, strategy: str = "one_for_one"
) -> AsyncIterator[Cycle]:
    """Lends what makes a child fail, and waits until it is running again."""
    supervisor = Supervisor(
        *(Idle, child, Idle), strategy=strategy, backoff=NO_BACKOFF, max_restarts=10**3, period=1e-6
    )

    async def cycle() -> None:
        before = supervisor.children()[1]
        await asyncio.sleep(1e-5)  # its first step; and what was counted is out of the window
        cast("Restless", before.worker).told.set()
        while supervisor.children()[1].restarts == before.restarts or not supervisor.is_ready():
            await asyncio.sleep(0)

    async with supervisor:
        await asyncio.sleep(0)
        yield cycle


UNDER_SUPERVISION: dict[str, Callable[[], AbstractAsyncContextManager[Cycle]]] = {
    "a temporary child ends": lambda: temporary_children(Brief),
    "a temporary child is stopped": lambda: temporary_children(Idle),
    "a child is added and removed": added_children,
    "a child is restarted": lambda: restarts(Restless),
    "a child is put back to the beginning": lambda: restarts(Restless()),
    "all children are restarted": lambda: restarts(Restless, strategy="one_for_all"),
}
"""Children that come and go under one supervisor, which stays."""


class Figures(NamedTuple):
    """What a process has at a moment."""

    kib: int
    """Memory that is resident, in KiB; 0 where the system does not tell."""
    objects: int
    """Objects that the garbage collector knows."""
    timers: int
    tasks: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> Figures:
        """Returns the present ones."""
        gc.collect()
        loop = asyncio.get_running_loop()
        return cls(
            resident_kib(),
            len(gc.get_objects()),
            len(timers_of(loop)),
            len(asyncio.all_tasks()),
            threading.active_count(),
            len(descriptors()),
        )

    def since(self, before: Figures) -> Figures:
        """Returns by how much each of them has grown."""
        return Figures(*(now - then for now, then in zip(self, before, strict=True)))


def resident_kib() -> int:
    """Returns the resident memory, in KiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


async def growth(cycle: Cycle, cycles: int, warm_up: int = WARM_UP) -> Figures:
    """Runs ``cycle`` so many times, after a warm-up; returns what has grown meanwhile."""
    for _ in range(warm_up):
        await cycle()
    before = Figures.now()
    for _ in range(cycles):
        await cycle()
    return Figures.now().since(before)


async def growth_of(kind: str, cycles: int, warm_up: int = WARM_UP) -> Figures:
    """Does the same for a kind of end, by its name."""
    if kind in UNDER_SUPERVISION:
        async with UNDER_SUPERVISION[kind]() as cycle:
            return await growth(cycle, cycles, warm_up)
    return await growth({**ENDS, **FAILURES}[kind], cycles, warm_up)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each kind of end; returns the exit code."""
    kinds = {*ENDS, *FAILURES, *UNDER_SUPERVISION}
    parser = argparse.ArgumentParser(description="Show what is left of workers that have ended.")
    parser.add_argument("--cycles", type=int, default=1_000_000, help="for each kind; a million")
    parser.add_argument("--only", action="append", choices=kinds, metavar="KIND")
    options = parser.parse_args(arguments)
    logging.disable()
    grown = 0
    for kind in options.only or sorted(kinds):
        began = time.monotonic()
        figures = asyncio.run(growth_of(kind, options.cycles))
        told = ", ".join(f"{count:+} {name}" for name, count in figures._asdict().items())
        print(f"{kind}: {told}; {time.monotonic() - began:.0f} s", flush=True)
        grown += figures.kib > MOST_KIB
    return int(grown > 0)


if __name__ == "__main__":
    sys.exit(main())
