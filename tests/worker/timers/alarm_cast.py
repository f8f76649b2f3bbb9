"""Those who wait for alarms, for tests."""

from __future__ import annotations

import asyncio

import pytest

from fluid.testing.wall_clock import START
from fluid.worker.timers.alarms import Alarm, Heap, alarms_of
from tests.worker.fakes import now
from tests.worker.timers.firing_cast import virtual_loop

both_clocks = pytest.mark.parametrize("by_wall_clock", [False, True], ids=["loop", "wall"])


class Sleepers:
    """Those who wait for alarms, and the times at which they were woken."""

    def __init__(self) -> None:
        self.loop = virtual_loop()
        self.alarms = alarms_of(self.loop)
        self.woken: list[tuple[float, object]] = []

    def set(self, at: float, name: object = None, *, by_wall_clock: bool = False) -> Alarm:
        """Has somebody wait for an instant, by either clock: so many seconds from the beginning."""
        waiter: asyncio.Future[bool] = self.loop.create_future()
        waiter.add_done_callback(lambda _: self.woken.append((now(), name)))
        at = START + at if by_wall_clock else at
        return self.alarms.set(at, waiter, by_wall_clock=by_wall_clock)

    def drop(self, alarm: Alarm, *, by_wall_clock: bool = False) -> None:
        """Has one of them wait no more."""
        self.alarms.drop(alarm, by_wall_clock=by_wall_clock)

    @property
    def timers(self) -> list[float]:
        """Returns the instants of the loop's own timers."""
        return [timer.when() for timer in self.loop.live_timers()]

    def heap(self, *, by_wall_clock: bool) -> Heap:
        """Returns the alarms of one clock."""
        return self.alarms._by_wall if by_wall_clock else self.alarms._by_loop
