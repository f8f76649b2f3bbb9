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
