"""What the scenarios with timers share: a worker that writes down when it was called.

``python -m tests.scenarios.timer_cast 100000 365`` runs the long ones: so many ticks, and for so
many days clocks that drift, and a hundred schedules.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fluid import PeriodicWorker, Workers, cron, every
from fluid.events import FireFailed, FiresMissed, WorkerEvent
from fluid.testing import VirtualLoop, run
from fluid.testing.wall_clock import START, WallClock
from fluid.worker.timers.alarms import LOOK_AGAIN, alarms_of
from fluid.worker.timers.fire import Fire
from tests.scenarios.cast import Planned
from tests.scenarios.timer_calendar import DAY, counted, hundred, minutes_of
from tests.worker.fakes import now


class Timed(PeriodicWorker):
    """Takes so many seconds for each call, and holds each to what is true of all of them.

    Args:
        schedule: As for every periodic worker, as are the options.
        takes: The seconds, of each call or by its number.
        fails: The numbers of the calls that raise; for each attempt that does, once.
    """

    def __init__(
        self,
        schedule: Any,
        takes: float | Callable[[int], float] = 0.0,
        fails: tuple[int, ...] = (),
        **options: Any,
    ) -> None:
        super().__init__(schedule=schedule, **{"name": "timed", **options})
        self.takes = takes
        self.fails = [*fails]
        self.began: list[float] = []
        self.fires: list[Fire] = []
        self.running = self.most = self.ended = self.too_late = 0
        self.body: asyncio.Future[None] | None = None
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def on_fire(self, fire: Fire) -> None:
        self.began.append(now())
        self.fires.append(fire)
        self.too_late += not self.is_running()
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.work(fire)
            self.ended += 1
        finally:
            self.running -= 1

    async def work(self, fire: Fire) -> None:
        """Takes its time, unless it is broken meanwhile; fails if it has to."""
        seconds = self.takes(fire.number) if callable(self.takes) else self.takes
        if seconds:
            loop = asyncio.get_running_loop()
            self.body = future = loop.create_future()
            timer = loop.call_later(seconds, lambda: future.done() or future.set_result(None))
            try:
                await future
            finally:
                timer.cancel()
        if fire.number in self.fails:
            self.fails.remove(fire.number)
            raise Planned(fire.number)

    def break_(self) -> None:
        """Makes the call that began last raise; nothing if it has ended."""
        if self.body is not None and not self.body.done():
            self.body.set_exception(Planned("body"))
            self.body.exception()  # a cancel in the same step keeps it from looking

    @property
    def dues(self) -> list[str]:
        """When the calls were due, as times of day."""
        return [f"{fire.due:%H:%M:%S}" for fire in self.fires]

    @property
    def losses(self) -> int:
        """How many fires were told to be missed."""
        return sum(event.count for event in self.events if isinstance(event, FiresMissed))

    @property
    def failures(self) -> list[float]:
        """The waits that followed the calls that failed."""
        return [event.delay for event in self.events if isinstance(event, FireFailed)]

    async def counts(self) -> tuple[int, int, int]:
        """Returns how many fires have begun, were skipped, were missed."""
        timer = (await self.status())["timer"]
        return timer.get("fires", 0), timer.get("skipped", 0), timer.get("missed", 0)

    def assert_in_order(self, most: int = 1) -> None:
        """Asserts what is true of the calls of one life, whatever befell it."""
        assert self.most <= most, self.most
        assert not self.too_late, "a call began after a stop was asked for"
        fires = sorted(set(self.fires), key=lambda fire: fire.number)  # attempts are of one fire
        assert most > 1 or self.fires == sorted(self.fires, key=lambda fire: fire.number)
        dues = [fire.due for fire in fires]
        assert dues == sorted(set(dues)), dues
        numbers = [fire.number for fire in fires]
        assert most > 1 or numbers == [*range(1, len(fires) + 1)], numbers

    def assert_nothing_is_left(self) -> None:
        """Asserts that after the end nobody runs, and no timer is set."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert self.is_stopped()
        assert not self.running
        alarms = alarms_of(loop)
        assert not alarms._by_loop, "an alarm is left"
        assert not alarms._by_wall, "an alarm is left"
        assert not loop.live_timers()


def wall() -> WallClock:
    """Returns the time of day of the running loop, to be scripted."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.wall


def seconds_of_day() -> float:
    """Returns the time of day in seconds since the loops of the tests begin."""
    return wall().time() - START


def block(seconds: float) -> None:
    """Blocks the loop: time goes by, and nobody has a turn."""
    loop = asyncio.get_running_loop()
    loop._now_ns += round(seconds * 1e9)  # type: ignore[attr-defined]


@contextmanager
def counted_timers() -> Iterator[list[float]]:
    """Keeps the delays of all timers that the running loop is given."""
    loop, delays = asyncio.get_running_loop(), []
    set_timer = loop._set_timer  # type: ignore[attr-defined]

    def watched(due_ns: int, *args: Any) -> asyncio.TimerHandle:
        delays.append(due_ns / 1e9 - loop.time())
        return set_timer(due_ns, *args)

    loop._set_timer = watched  # type: ignore[attr-defined]
    try:
        yield delays
    finally:
        del loop._set_timer  # type: ignore[attr-defined]


# --- so many ticks -------------------------------------------------------------------------------


async def ticks(number: int, period_ns: int = 10**9) -> None:
    """Asserts that so many ticks, each busy for a fifth of its period, do not drift."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    wrong: list[tuple[int, int]] = []

    async def tick(fire: Fire) -> None:
        if loop.time_ns() != (fire.number - 1) * period_ns:
            wrong.append((fire.number, loop.time_ns()))
        await asyncio.sleep(period_ns / 5e9)

    ticker = PeriodicWorker(tick, every(period_ns / 1e9, max_fires=number))
    await ticker.startup()
    await ticker.wait_for_shutdown()
    assert not wrong, wrong[:5]
    timer = (await ticker.status())["timer"]
    assert (timer["fires"], timer["skipped"], timer["missed"]) == (number, 0, 0)
    assert loop.time_ns() == (number - 1) * period_ns + round(period_ns / 5)


# --- a hundred schedules -------------------------------------------------------------------------


async def a_hundred_schedules(days: int) -> int:
    """Asserts that a hundred schedules fire as often as they should; returns how often that is."""
    counts: dict[int, int] = {}

    def counter(number: int) -> PeriodicWorker:
        counts[number] = 0

        async def count() -> None:
            counts[number] += 1

        return PeriodicWorker(count, schedules[number], name=f"timer-{number}")

    schedules = hundred()
    async with Workers(*map(counter, range(len(schedules)))):
        await asyncio.sleep(days * DAY + 1)
    minutes = minutes_of(days)
    expected = [counted(schedule, days, minutes) for schedule in schedules]
    assert [*counts.values()] == expected, [
        (str(schedule), found, right)
        for schedule, found, right in zip(schedules, counts.values(), expected, strict=True)
        if found != right
    ]
    return sum(expected)


# --- a clock that drifts -------------------------------------------------------------------------


async def drifting(ppm: float, days: int) -> None:
    """Asserts that each time comes once, and in time, on a clock that gains or loses so much."""
    begin = wall().now()
    wall().slew(ppm)
    hourly, daily = cron("0 * * * *"), cron("30 9 * * *")
    late: list[float] = []

    class OnTime(Timed):
        async def work(self, fire: Fire) -> None:
            late.append(wall().time() - fire.due.timestamp())

    workers = [OnTime(hourly, name="hourly"), OnTime(daily, name="daily")]
    async with Workers(*workers):
        await asyncio.sleep(days * DAY)
    for worker, schedule in zip(workers, (hourly, daily), strict=True):
        at, expected = begin, []
        while (at := schedule.next(at)) <= wall().now():
            expected.append(at)
        assert [fire.due for fire in worker.fires] == expected
        assert await worker.counts() == (len(expected), 0, 0)
    assert min(late) >= 0
    assert max(late) <= LOOK_AGAIN * abs(ppm) / 1e6 + 1e-6


def main(number: int, days: int) -> None:
    """Runs the long scenarios, as long as one likes."""
    run(ticks(number), horizon=number + DAY)
    print(f"{number} ticks, none of them a nanosecond early or late")
    total = run(a_hundred_schedules(days), horizon=(days + 1) * DAY)
    for ppm in (500, -500):
        run(drifting(ppm, days), horizon=(days + 1) * DAY)
        print(f"{ppm} ppm for {days} days: each time once")
    print(f"{len(hundred())} schedules for {days} days: {total} fires, as many as there should be")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
