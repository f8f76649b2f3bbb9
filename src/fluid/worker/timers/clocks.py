"""The clocks of one loop, read together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...clock import clock_of, local_zone, wall_clock_of
from ...rules.schedules.moment import Moment
from ...rules.schedules.schedule import Schedule


class Clocks:
    """What all timers of a loop read the time from."""

    __slots__ = ("_loop", "time", "wall_time")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self.time: Callable[[], float] = clock_of(loop)
        """Returns the loop's time, in seconds."""
        self.wall_time: Callable[[], float] = wall_clock_of(loop)
        """Returns the time of day, in seconds since the epoch."""

    def now(self, schedule: Schedule) -> Moment:
        """Returns the time, with as much as ``schedule`` wants to know of it."""
        zone = local_zone(self._loop) if schedule.is_local else None
        return Moment(self.time(), self.wall_time(), zone)
