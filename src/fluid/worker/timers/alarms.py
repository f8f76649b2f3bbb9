"""Waking at an instant: one heap for each clock, and one timer of the loop for all who wait.

The loop's clock is never set, so a timer of the loop is right for it. The time of day may be put
forward or back, be slowed down, or go on while the machine is suspended. So there is a look at it
once a minute, one for all who wait for a time of day.
"""

from __future__ import annotations

import asyncio
import weakref
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeAlias

from ...rules.schedules.course import EARLY
from ...rules.schedules.set_back import LOOK_AGAIN, SET_BACK
from ..waits import settle
from .clocks import Clocks

Alarm: TypeAlias = list[Any]
"""An instant, a number, and who is to be woken; None once that has happened, or need not be."""

COARSE = 0.0005
"""Seconds. Loops other than asyncio's round to whole milliseconds, half of the time down."""


class Alarms:
    """All alarms of one loop."""

    __slots__ = (
        "__weakref__",
        "_armed_for",
        "_by_loop",
        "_by_wall",
        "_lead",
        "_loop",
        "_margin",
        "_numbers",
        "_timer",
        "clocks",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self.clocks: Clocks = Clocks(loop)
        self._margin: float = 0.0 if isinstance(loop, asyncio.BaseEventLoop) else COARSE
        self._numbers = count()
        self._by_loop: Heap = Heap()
        self._by_wall: Heap = Heap()
        self._lead: float = -inf
        """How far the time of day was ahead of the loop's clock, at most, from the last look on."""
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float = inf

    def set(self, at: float, waiter: asyncio.Future[bool], *, by_wall_clock: bool) -> Alarm:
        """Gives ``waiter`` True at an instant; :meth:`drop` it when nobody waits any more."""
        alarm: Alarm = [at, next(self._numbers), waiter]
        now = self.clocks.time()
        if by_wall_clock:
            lead = self.clocks.wall_time() - now
            self._lead = max(lead, self._lead) if self._by_wall else lead
            self._by_wall.push(alarm)
            self._arm(min(at - lead, now + LOOK_AGAIN))
        else:
            self._by_loop.push(alarm)
            self._arm(at)
        return alarm

    def drop(self, alarm: Alarm, *, by_wall_clock: bool) -> None:
        """Forgets an alarm, whether it has rung or not; the last one takes the timer with it."""
        heap = self._by_wall if by_wall_clock else self._by_loop
        heap.drop(alarm)
        if not self._by_wall and not self._by_loop:
            self._disarm()

    def _arm(self, at: float) -> None:
        if at < self._armed_for:
            self._disarm()
            self._armed_for = at
            self._timer = self._loop.call_at(at + self._margin, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_for = inf

    def _ring(self) -> None:
        self._timer, self._armed_for = None, inf
        now = self.clocks.time()
        self._by_loop.ring(now + EARLY)
        upcoming = self._by_loop.first()
        if self._by_wall:
            wall = self.clocks.wall_time()
            lead, before = wall - now, self._lead
            self._lead = lead
            was_set_back = lead < before - SET_BACK  # and whoever waits has to think again
            self._by_wall.ring(inf if was_set_back else wall)
            upcoming = min(upcoming, self._by_wall.first() - lead, now + LOOK_AGAIN)
        if self._by_wall or self._by_loop:
            self._arm(upcoming)


class Heap:
    """Alarms of one clock, by instant, and by number where instants tie."""

    __slots__ = ("_alarms", "_dropped")

    def __init__(self) -> None:
        self._alarms: list[Alarm] = []
        self._dropped: int = 0
        """How many of them nobody waits for any more."""

    def __bool__(self) -> bool:
        """Returns whether anybody waits."""
        return len(self._alarms) > self._dropped

    def push(self, alarm: Alarm) -> None:
        """Adds an alarm."""
        heappush(self._alarms, alarm)

    def drop(self, alarm: Alarm) -> None:
        """Forgets an alarm if it has not rung. Half of them may be dead before they are cleared."""
        if alarm[2] is None:
            return
        alarm[2] = None
        self._dropped += 1
        if self._dropped * 2 > len(self._alarms):
            self._alarms = [kept for kept in self._alarms if kept[2] is not None]
            heapify(self._alarms)
            self._dropped = 0

    def first(self) -> float:
        """Returns when the first one rings; inf if there is none."""
        alarms = self._alarms
        while alarms and alarms[0][2] is None:
            heappop(alarms)
            self._dropped -= 1
        return float(alarms[0][0]) if alarms else inf

    def ring(self, until: float) -> None:
        """Wakes whoever waits for an instant up to ``until``, in order."""
        alarms = self._alarms
        while alarms and alarms[0][0] <= until:
            alarm = heappop(alarms)
            waiter, alarm[2] = alarm[2], None
            if waiter is None:
                self._dropped -= 1
            else:
                settle(waiter, True)


_alarms: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Alarms]] = (
    weakref.WeakKeyDictionary()
)
"""The alarms of each loop, for as long as a worker has need of them."""


def alarms_of(loop: asyncio.AbstractEventLoop) -> Alarms:
    """Returns the alarms of a loop, which all of its workers share."""
    reference = _alarms.get(loop)
    alarms = None if reference is None else reference()
    if alarms is None:
        alarms = Alarms(loop)
        _alarms[loop] = weakref.ref(alarms)
    return alarms
