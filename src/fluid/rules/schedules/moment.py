"""One instant as several clocks show it."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple


class Moment(NamedTuple):
    """Now."""

    loop: float
    """Seconds of the event loop's clock, which nobody sets."""
    wall: float
    """The time of day, in seconds since the epoch."""
    zone: tzinfo | None = None
    """The machine's time zone, for the schedules that go by it."""

    def shown(self, *, by_wall_clock: bool) -> float:
        """Returns what one of the clocks shows."""
        return self.wall if by_wall_clock else self.loop

    def time_of_day(self, at: float, *, by_wall_clock: bool) -> float:
        """Returns an instant of one of the clocks as a time of day."""
        return at if by_wall_clock else self.wall + (at - self.loop)
