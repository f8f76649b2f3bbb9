"""What has become of the fires of one life, for ``status()``.

It outlives that life, and so knows nothing of the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...rules.schedules.course import Course, Slot
from ...rules.schedules.moment import Moment
from ..exit import error_as_dict
from .clocks import Clocks
from .fire import Fire

LAST_DATE = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last time of day that can be told."""


class Totals(NamedTuple):
    """Counts of several lives, which nothing sets back."""

    fires: int = 0
    """How many fires have begun."""
    missed: int = 0
    """How many were given up because their time had passed."""
    skipped: int = 0
    """How many were left out because the one before still ran."""
    failed: int = 0
    """Calls that have raised."""
    late: float = 0.0
    """Seconds by which fires began late, of all together."""


class Tally:
    """Counts and times."""

    __slots__ = (
        "_late",
        "before",
        "clocks",
        "course",
        "failed",
        "last_error",
        "last_fire",
        "latest",
    )

    def __init__(self, course: Course, clocks: Clocks, before: Totals) -> None:
        self.before: Totals = before
        """What the lives before have counted."""
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
        self.latest: float = 0.0
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
        self.latest = max(self.latest, late)

    def fire(self, slot: Slot, number: int, now: Moment) -> Fire:
        """Returns the fire that has begun, as a function may take it."""
        zone = self.course.schedule.zone or now.zone
        due = datetime.fromtimestamp(slot.due(now), zone or UTC)
        return Fire(number, due, slot.missed)

    def fail(self, error: Exception) -> None:
        """Counts a call that has raised."""
        self.failed += 1
        self.last_error = {**error_as_dict(error), "at": _iso(self.clocks.wall_time())}

    def totals(self) -> Totals:
        """Returns the counts, added to those of the lives before."""
        course, so_far = self.course, self.before
        return Totals(
            fires=so_far.fires + course.fires,
            missed=so_far.missed + course.missed,
            skipped=so_far.skipped + course.skipped,
            failed=so_far.failed + self.failed,
            late=so_far.late + self._late,
        )

    def next_fire(self) -> float | None:
        """Returns the time of day of the next fire, if one is to come."""
        course, clocks = self.course, self.clocks
        at = course.next_at
        if at is None:
            return None
        now = Moment(clocks.time(), clocks.wall_time())
        return now.time_of_day(at, by_wall_clock=course.schedule.by_wall_clock)

    def facts(self, *, running: int, goes_on: bool) -> dict[str, Any]:
        """Returns all of it as JSON-able data.

        Args:
            running: How many calls run now.
            goes_on: Whether there may be another fire.
        """
        course = self.course
        mean = self._late / course.fires if course.fires else 0.0
        return {
            "schedule": str(course.schedule),
            "last_fire": _iso(self.last_fire),
            "next_fire": _iso(self.next_fire() if goes_on else None),
            "running": running,
            "fires": course.fires,
            "missed": course.missed,
            "skipped": course.skipped,
            "failed": self.failed,
            "last_error": self.last_error,
            "lateness": {"mean": mean, "worst": self.latest},
        }


def _iso(wall: float | None) -> str | None:
    if wall is None or wall > LAST_DATE:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat()
