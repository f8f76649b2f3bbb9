"""What has become of the fires of one life, for ``status()``.

It outlives that life, and so knows nothing of the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...rules.schedules.course import Course, Slot
from ...rules.schedules.moment import Moment
from ..exit import error_as_dict
from .clocks import Clocks
from .fire import Fire

LAST_DATE = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last time of day that can be told."""


class Tally:
    """Counts and times."""

    __slots__ = ("_late", "_latest", "clocks", "course", "failed", "last_error", "last_fire")

    def __init__(self, course: Course, clocks: Clocks) -> None:
        self.course: Course = course
        self.clocks: Clocks = clocks
        self.failed: int = 0
        """Calls that have raised."""
        self.last_fire: float | None = None
        """The time of day when the last one began."""
        self.last_error: dict[str, Any] | None = None
        """What the last of those raised, and when."""
        self._late: float = 0.0
        """Seconds by which fires began late, of all together."""
        self._latest: float = 0.0
        """And of the worst."""

    def now(self) -> Moment:
        """Returns the time."""
        return self.clocks.now(self.course.schedule)

    def begin(self, slot: Slot, now: Moment) -> None:
        """Counts a fire that begins now."""
        self.course.fires += 1
        self.last_fire = now.wall
        late = slot.lateness(now)
        self._late += late
        self._latest = max(self._latest, late)

    def fire(self, slot: Slot, number: int, now: Moment) -> Fire:
        """Returns the fire that has begun, as a function may take it."""
        zone = self.course.schedule.zone or now.zone
        due = datetime.fromtimestamp(slot.due(now), zone or UTC)
        return Fire(number, due, slot.missed)

    def fail(self, error: Exception) -> None:
        """Counts a call that has raised."""
        self.failed += 1
        self.last_error = {**error_as_dict(error), "at": _iso(self.clocks.wall_time())}

    def facts(self, *, running: int, goes_on: bool) -> dict[str, Any]:
        """Returns all of it as JSON-able data.

        Args:
            running: How many calls run now.
            goes_on: Whether there may be another fire.
        """
        course, now = self.course, self.now()
        upcoming = course.next_at if goes_on else None
        if upcoming is not None:
            by_wall_clock = course.schedule.by_wall_clock
            upcoming = now.time_of_day(upcoming, by_wall_clock=by_wall_clock)
        mean = self._late / course.fires if course.fires else 0.0
        return {
            "schedule": str(course.schedule),
            "last_fire": _iso(self.last_fire),
            "next_fire": _iso(upcoming),
            "running": running,
            "fires": course.fires,
            "missed": course.missed,
            "skipped": course.skipped,
            "failed": self.failed,
            "last_error": self.last_error,
            "lateness": {"mean": mean, "worst": self._latest},
        }


def _iso(wall: float | None) -> str | None:
    if wall is None or wall > LAST_DATE:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat()
