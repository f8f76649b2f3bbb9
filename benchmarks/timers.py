"""What timers cost: 10,000 that wait, 1,000 that fire, and a year of cron.

Idle: 10,000 workers with a schedule of an hour, half of the time by the loop's clock and half by
the time of day, beside 10,000 bare loops around ``asyncio.sleep``; as in ``idle.py``, each side is
a process of its own. Firing: the CPU time of one tick, of 1,000 timers with a period of 0.1 seconds
each, beside as many bare loops that sleep until the next multiple of it, on the real loop. A year:
a hundred cron schedules in ten zones on the virtual clock, every fire counted, beside what plain
arithmetic says; the figure is in seconds.

``python -m benchmarks.timers year`` runs the year by itself and prints the counts.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from math import inf
from zoneinfo import ZoneInfo

from fluid import PeriodicWorker, Workers, cron, every
from fluid.testing import VirtualLoop

from .idle import Cost, idle, idling, resident, tell
from .pairs import Plan
from .result import Result, fluid_at_most, ratio_at_most

FIRING = 1_000
PERIOD = 0.1
FIRING_SECONDS = 3.0
DAYS = 365
MINUTE = timedelta(minutes=1)

EXPRESSIONS: dict[str, Callable[[datetime], bool]] = {
    "*/20 9-17 * * *": lambda at: at.minute % 20 == 0 and 9 <= at.hour <= 17,
    "*/10 * * * *": lambda at: at.minute % 10 == 0,
    "*/15 * * * *": lambda at: at.minute % 15 == 0,
    "*/30 8-18 * * MON-FRI": lambda at: (
        at.minute % 30 == 0 and 8 <= at.hour <= 18 and at.weekday() < 5
    ),
    "0 * * * *": lambda at: at.minute == 0,
    "0 */6 * * *": lambda at: at.minute == 0 and at.hour % 6 == 0,
    "30 2 * * *": lambda at: (at.hour, at.minute) == (2, 30),
    "0 0 * * SUN": lambda at: (at.hour, at.minute) == (0, 0) and at.weekday() == 6,
    "15 6 1,15 * *": lambda at: (at.hour, at.minute) == (6, 15) and at.day in (1, 15),
    "0 12 1 1 *": lambda at: (at.month, at.day, at.hour, at.minute) == (1, 1, 12, 0),
}
"""Ten expressions, each with what it says of a local time, by hand."""

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
)


def results(plan: Plan) -> Iterator[Result]:
    """Measures all of it."""
    yield from idling(plan, __name__, "timer", than="sleeper")
    firing, ticking = plan.sized(FIRING), max(FIRING_SECONDS * plan.scale, 2.5 * PERIOD)
    ticks = plan.alternate(
        lambda: per_tick(firing_workers(firing, ticking)),
        lambda: per_tick(firing_tasks(firing, ticking)),
        pairs=7,
    )
    yield Result(f"CPU of a tick, {firing:,} timers", "us", ticks, ratio_at_most(5))
    days = plan.sized(DAYS)
    year = plan.alternate(
        lambda: timed(plan, partial(fires_of, days)),
        lambda: timed(plan, partial(count_of, days)),
        pairs=1,
    )
    yield Result(f"{days} days of 100 cron schedules", "s", year, fluid_at_most(30, "s"))


# --- idle ----------------------------------------------------------------------------------------


async def nothing() -> None:
    """Does it."""


async def idle_timers(count: int, seconds: float) -> Cost:
    """Idles with ``count`` timers in a group."""
    before = resident()
    hourly = (every(3600, first="after"), cron("@hourly"))
    timers = [PeriodicWorker(nothing, hourly[number % 2]) for number in range(count)]
    async with Workers(*timers):
        return await idle(before, count, seconds)


async def idle_sleepers(count: int, seconds: float) -> Cost:
    """Idles with ``count`` loops."""

    async def loop() -> None:
        while True:
            await asyncio.sleep(3600)
            await nothing()

    before = resident()
    tasks = [asyncio.create_task(loop()) for _ in range(count)]
    await asyncio.sleep(0)
    cost = await idle(before, count, seconds)
    for task in tasks:
        task.cancel()
    return cost


KINDS: dict[str, Callable[[int, float], Coroutine[None, None, Cost]]] = {
    "timers": idle_timers,
    "sleepers": idle_sleepers,
}


# --- firing --------------------------------------------------------------------------------------


def per_tick(firing: Coroutine[None, None, int]) -> float:
    """Returns the microseconds of CPU time that a tick takes."""
    before = time.process_time()
    ticks = asyncio.run(firing)
    return (time.process_time() - before) / ticks * 1e6


async def firing_workers(count: int, seconds: float) -> int:
    """Returns the number of ticks in a while, of ``count`` workers."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1

    async with Workers(*[PeriodicWorker(tick, every(PERIOD)) for _ in range(count)]):
        await asyncio.sleep(seconds)
        return ticks


async def firing_tasks(count: int, seconds: float) -> int:
    """Returns the number of ticks in a while, of ``count`` loops without drift."""
    ticks, clock = 0, asyncio.get_running_loop().time

    async def tick() -> None:
        nonlocal ticks
        ticks += 1

    async def loop() -> None:
        due = clock()
        while True:
            await tick()
            due += PERIOD
            await asyncio.sleep(due - clock())

    tasks = [asyncio.create_task(loop()) for _ in range(count)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    return ticks


# --- a year --------------------------------------------------------------------------------------


def timed(plan: Plan, work: Callable[[], object]) -> float:
    """Returns the seconds that ``work`` takes."""
    began = plan.clock()
    work()
    return plan.clock() - began


def fires_of(days: int) -> dict[str, int]:
    """Lets all schedules fire for so many days from 2000 on; returns how often each text did."""
    workers = [
        PeriodicWorker(nothing, cron(expression, tz=zone), name=f"{number} {zone}")
        for number, expression in enumerate(EXPRESSIONS)
        for zone in ZONES
    ]
    counts = dict.fromkeys(EXPRESSIONS, 0)

    async def main() -> None:
        async with Workers(*workers):
            await asyncio.sleep(days * 86_400 + 0.5)
            for number, worker in enumerate(workers):
                timer = (await worker.status())["timer"]
                counts[list(EXPRESSIONS)[number // len(ZONES)]] += timer["fires"]
                assert not timer["missed"] + timer["skipped"]

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(horizon=inf)) as runner:
        runner.run(main())
    return counts


def count_of(days: int) -> dict[str, int]:
    """Returns how often each should have: a look at each minute of each zone, by the written rule.

    What says when and not how often does not happen again in the hour that comes twice, and happens
    as the clock is put forward if that leaves it out.
    """
    counts = dict.fromkeys(EXPRESSIONS, 0)
    begin = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
    for zone in map(ZoneInfo, ZONES):
        times = [
            datetime.fromtimestamp(begin + minute * 60, zone) for minute in range(days * 1440 + 1)
        ]
        for expression, is_on in EXPRESSIONS.items():
            is_interval = "*" in "".join(expression.split()[:2])
            counts[expression] += sum(
                is_on(at) and (is_interval or not at.fold) for at in times[1:]
            )
            if not is_interval:
                counts[expression] += sum(
                    any(map(is_on, left_out(before, at))) and not is_on(at)
                    for before, at in pairwise(times)
                    if at.utcoffset() != before.utcoffset()
                )
    return counts


def left_out(before: datetime, at: datetime) -> Iterator[datetime]:
    """Yields the local minutes between two that follow each other; none where it went back."""
    local, end = before.replace(tzinfo=None) + MINUTE, at.replace(tzinfo=None)
    while local < end:
        yield local
        local += MINUTE


def check_year(days: int) -> bool:
    """Prints how often each expression fired and should have; returns whether that is the same."""
    began = time.process_time()
    fired = fires_of(days)
    took = time.process_time() - began
    expected = count_of(days)
    for expression, count in fired.items():
        print(f"{expression:<24}{count:>10,} fires, {expected[expression]:>10,} minute by minute")
    print(f"{sum(fired.values()):,} fires in {took:.1f} seconds of CPU time")
    return fired == expected


if __name__ == "__main__":
    if sys.argv[1] != "year":
        tell(KINDS)
    elif not check_year(int(sys.argv[2]) if len(sys.argv) > 2 else DAYS):
        sys.exit(1)
