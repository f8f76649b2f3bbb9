"""A course without a loop: clocks that a test moves by hand, and somebody who asks what is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from random import Random

from fluid import Missed
from fluid.rules.schedules.course import Course, Slot
from fluid.rules.schedules.moment import Moment
from fluid.rules.schedules.schedule import Schedule, Series

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
TEN_YEARS = 3652 * DAY

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC).timestamp()
"""A Saturday."""


class Asked(Series):
    """A series that counts how often it is asked."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.is_interval = series.is_interval
        self.times = 0

    def _counted(self, ask: Callable[..., object]) -> Callable[..., object]:
        self.times += 1
        return ask

    def after(self, instant: float) -> float | None:
        return self._counted(self._series.after)(instant)

    def count(self, after: float, until: float) -> int:
        return self._counted(self._series.count)(after, until)

    def newest(self, after: float, until: float) -> float:
        return self._counted(self._series.newest)(after, until)


class Asker:
    """Both clocks, and a course that is asked by them. Whatever it gives counts as fired."""

    def __init__(
        self,
        schedule: Schedule,
        missed: Missed = Missed.ONCE,
        *,
        seed: int = 0,
        wall: float = NOON,
        zone: tzinfo | None = None,
    ) -> None:
        self.loop, self.zone = 0.0, zone
        self.start = self._ahead = wall
        self.course = Course(schedule, missed, Random(seed), self.now)
        self.fired: list[Slot] = []

    @property
    def now(self) -> Moment:
        return Moment(self.loop, self.wall, self.zone)

    @property
    def wall(self) -> float:
        """The time of day; what floats round does not add up."""
        return self._ahead + self.loop

    @property
    def clock(self) -> float:
        """The one by which the schedule goes."""
        return self.wall if self.course.schedule.by_wall_clock else self.loop

    def set(self, seconds: float) -> None:
        """Sets the time of day forward or back."""
        self._ahead += seconds

    def pass_(self, seconds: float) -> None:
        """Lets time pass, by both clocks."""
        self.loop += seconds

    def ask(self) -> list[Slot]:
        """Returns what is due."""
        slots = self.course.due(self.now)
        self.course.fires += len(slots)
        self.fired += slots
        return slots

    def at(self, seconds: float) -> list[tuple[float, int]]:
        """Goes on until so many seconds after the start; returns what is due, and what was missed.

        Times are in seconds since the start, of the clock of the schedule.
        """
        self.pass_(seconds - self.loop)
        return [(self._since_start(slot), slot.missed) for slot in self.ask()]

    def until(self, seconds: float) -> list[float]:
        """Goes from fire to fire, and looks once a minute, until so many seconds after the start.

        Returns when each began, in seconds of the loop's clock.
        """
        began = []
        while self.course.next_at is not None:
            wait = min(max(self.course.next_at - self.clock, 0.0), MINUTE)
            if self.loop + wait > seconds:
                break
            self.pass_(wait)
            began += [self.loop] * len(self.ask())
        self.pass_(seconds - self.loop)
        return began

    def _since_start(self, slot: Slot) -> float:
        return slot.scheduled - (self.start if self.course.schedule.by_wall_clock else 0.0)
