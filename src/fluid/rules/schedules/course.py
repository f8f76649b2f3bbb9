"""Where a schedule stands: what is due, what was missed, when to look again.

One course belongs to one life of a worker. It is asked whenever that has nothing else to do, and
whenever it wakes up, and is told the time, of both clocks. What fires does not depend on when or
how often it is asked, as long as nobody sets the clock: that is seen by comparing with the last
time.
"""

from __future__ import annotations

from math import inf, nextafter
from random import Random
from typing import NamedTuple

from .catching_up import made_up_for
from .moment import Moment
from .policies import Missed
from .schedule import Schedule, Series
from .set_back import seen_to

EARLY = 1e-6
"""Seconds before its instant at which a fire by the loop's clock counts as due.

A timer of the loop may ring as much too early as floats round. One by the time of day never does.
"""


class Slot(NamedTuple):
    """A fire that is due; its instants are in seconds of the clock that its schedule goes by.

    It may outlive that schedule: what waits to be made up for is called after a change, too.
    """

    scheduled: float
    """When the schedule says."""
    at: float
    """When it was due, jitter included."""
    missed: int
    """How many before it were given up because their time had passed."""
    by_wall_clock: bool
    """Whether its instants are times of day."""

    def lateness(self, now: Moment) -> float:
        """Returns by how many seconds it begins late, if it begins now."""
        return max(0.0, now.shown(by_wall_clock=self.by_wall_clock) - self.at)

    def due(self, now: Moment) -> float:
        """Returns the time of day for which it was scheduled."""
        return now.time_of_day(self.scheduled, by_wall_clock=self.by_wall_clock)


class Course:
    """A schedule on its way.

    Args:
        schedule: The schedule.
        missed: What becomes of fires that were missed.
        random: Where chance comes from.
        now: When it begins.
    """

    __slots__ = (
        "_began",
        "_by_wall",
        "_delay",
        "_fired",
        "_last",
        "_last_loop",
        "_lead",
        "_missed",
        "_random",
        "_series",
        "_slot",
        "_zone",
        "fires",
        "missed",
        "schedule",
        "skipped",
    )

    def __init__(
        self,
        schedule: Schedule,
        missed: Missed,
        random: Random,
        now: Moment,
    ) -> None:
        self.schedule: Schedule = schedule
        self.fires: int = 0
        """How many fires have begun."""
        self.missed: int = 0
        """How many were given up because their time had passed."""
        self.skipped: int = 0
        """How many were left out because the one before still ran."""
        self._missed: Missed = missed
        self._random: Random = random
        self._series: Series = schedule.series(now)
        self._by_wall: bool = schedule.by_wall_clock
        self._zone = now.zone
        self._last: float = now.wall if self._by_wall else -inf
        """All up to here have been seen to."""
        self._last_loop: float = now.loop
        """When that was, by the loop's clock."""
        self._began: float = now.loop
        """When it began, by the loop's clock."""
        self._fired: float = -inf
        """When the last fire was due, by the loop's clock."""
        self._lead: float = now.wall - now.loop
        """How far ahead of the loop's clock the time of day was, when it was last in order."""
        self._slot: float | None = None
        """The next one."""
        self._delay: float = 0.0
        """How much later it comes, by chance."""
        self._find_next(now)

    # --- what is next ----------------------------------------------------------------------------

    @property
    def next_at(self) -> float | None:
        """When the next fire is due, in seconds of the schedule's clock; None if none will be."""
        slot = self._slot
        return None if slot is None or self.is_used_up else slot + self._delay

    @property
    def is_used_up(self) -> bool:
        """Whether it has fired as often as it may."""
        most = self.schedule.max_fires
        return most is not None and self.fires >= most

    def due(self, now: Moment) -> list[Slot]:
        """Returns the fires that are to begin now, in order, and goes on behind them."""
        at, next_at = self._look(now), self.next_at
        if next_at is None or at < next_at:
            return []
        first, delay = self._slot, self._delay
        assert first is not None
        count, newest = self._pass(at - delay, now)
        if not count:
            return []
        late = self._slot_at(newest, delay).lateness(now)
        kept = made_up_for(self._series, self._missed, first, newest, count, late)
        self.missed += count - len(kept)
        if kept:
            self._fired = self._last_loop
        return [
            self._slot_at(slot, delay, missed=0 if number else count - len(kept))
            for number, slot in enumerate(kept)
        ]

    def overlapped(self, now: Moment, *, keeps_one: bool) -> list[Slot]:
        """Returns what is left of the fires that came due before now, while another one ran.

        Args:
            now: When that one ended. A fire that is due at this very instant has not overlapped.
            keeps_one: Whether the last of them is to be made up for.
        """
        at, next_at = self._look(now), self.next_at
        at -= 0.0 if self._by_wall else 2 * EARLY
        if next_at is None or at <= next_at:
            return []
        delay = self._delay
        count, newest = self._pass(nextafter(at - delay, -inf), now)
        keeps_one = keeps_one and count > 0
        self.skipped += count - keeps_one
        if not keeps_one:
            return []
        self._fired = self._last_loop
        return [self._slot_at(newest, delay)]

    def change(self, schedule: Schedule, now: Moment) -> None:
        """Goes on with another schedule, which counts from the last fire, or from the beginning.

        What it would have had until now is past, but for what was due: else whoever changes it
        at the wrong moment, again and again, would keep it from ever firing.
        """
        if self._by_wall:
            self._notice_set_back(now)
        was_by_wall, pending = self._by_wall, inf if self._slot is None else self._slot
        self.schedule, self._zone, self._by_wall = schedule, now.zone, schedule.by_wall_clock
        last = now.shown(by_wall_clock=self._by_wall)
        if self._by_wall == was_by_wall:
            last = max(self._last, min(last, nextafter(pending, -inf)))
        if self._by_wall:
            self._series = schedule.series(now)
            self._last_loop = now.loop - (now.wall - last)
        else:
            has_fired = self._fired > -inf
            begun = self._fired if has_fired else self._began
            self._series = schedule.series(now._replace(loop=begun))
            if not has_fired and self._series.after(-inf) == begun:  # it wants to fire at once
                self._series, last = schedule.series(now), -inf
        self._last = last
        self._find_next(now)

    # --- the clocks ------------------------------------------------------------------------------

    def _look(self, now: Moment) -> float:
        """Sees whether the clock or the time zone has been set; returns what the clock shows."""
        if not self._by_wall:
            return now.loop + EARLY
        if self.schedule.is_local and now.zone != self._zone:
            self._zone = now.zone
            self._series = self.schedule.series(now)
            self._find_next(now)
        self._notice_set_back(now)
        return now.wall

    def _notice_set_back(self, now: Moment) -> None:
        last, last_loop, fired = self._last, self._last_loop, self._fired
        lead = now.wall - now.loop
        by = self._lead - lead
        seen = seen_to(self._series, now, by=by, last=last, last_loop=last_loop, fired=fired)
        if seen is not None:
            self._last, self._last_loop = seen, seen - lead
            self._find_next(now)
        if now.wall >= self._last:
            self._lead = lead

    # --- going on --------------------------------------------------------------------------------

    def _pass(self, until: float, now: Moment) -> tuple[int, float]:
        """Goes on behind all up to ``until``; returns how many, and the last one.

        There is none if the clock was set, and what was next is too late for the schedule.
        """
        newest, count = self._slot, 1
        assert newest is not None
        end = self._end(now)
        if newest > end:
            self._slot = None
            return 0, newest
        until = min(until, end)
        following = self._series.after(newest)
        if following is not None and following <= until:
            count += self._series.count(newest, until)
            newest = self._series.newest(newest, until)
            following = self._series.after(newest)
        clock = now.shown(by_wall_clock=self._by_wall)
        self._last, self._last_loop = newest, now.loop - (clock - newest)
        self._go_to(following, now)
        return count, newest

    def _slot_at(self, instant: float, delay: float, *, missed: int = 0) -> Slot:
        return Slot(instant, instant + delay, missed, self._by_wall)

    def _end(self, now: Moment) -> float:
        """Returns when the schedule ends, in seconds of its clock.

        A fire that is due at that very instant comes, however the two clocks have rounded it.
        """
        if self.schedule.until is None:
            return inf
        end = self.schedule.until.timestamp()
        return end if self._by_wall else now.loop + (end - now.wall) + EARLY

    def _find_next(self, now: Moment) -> None:
        self._go_to(self._series.after(self._last), now)

    def _go_to(self, slot: float | None, now: Moment) -> None:
        if slot is not None and slot > self._end(now):
            slot = None
        self._slot = slot
        jitter = self.schedule.jitter
        if jitter and slot is not None and (following := self._series.after(slot)) is not None:
            jitter = min(jitter, following - slot)  # else that one would count as missed
        self._delay = self._random.uniform(0.0, jitter) if jitter else 0.0
