"""The watchdog of a worker that has to report progress: no ``beat()`` in time, and it has failed.

A beat is one attribute set; the one timer moves on by itself when it goes off too early.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .. import events
from ..errors import HeartbeatLostError

if TYPE_CHECKING:
    from .life import Life

BLOCKED = 0.1
"""The part of its period by which a watchdog may be late before it blames the loop."""


class Watchdog:
    """Watches one life, from when it is ready until it has to stop."""

    __slots__ = ("_life", "_period", "_timer", "last")

    def __init__(self, life: Life, period: float) -> None:
        self._life: Life = life
        self._period: float = period
        self.last: float = life.loop.time()
        """When the worker last said that it goes on."""
        self._timer: asyncio.TimerHandle = life.loop.call_at(self.last + period, self._look)

    def beat(self) -> None:
        """Notes progress."""
        self.last = self._life.loop.time()

    def end(self) -> None:
        """Stops watching."""
        self._timer.cancel()

    def _look(self) -> None:
        now, due = self._life.loop.time(), self._timer.when()
        if now - due > BLOCKED * self._period:
            # The loop was blocked, or the machine asleep: nobody could have called beat().
            self.last = max(self.last, now)
        if now < self.last + self._period:
            self._timer = self._life.loop.call_at(self.last + self._period, self._look)
        else:
            self._bark()

    def _bark(self) -> None:
        life = self._life
        stack = life.core.waits_at()
        life.core.emit(events.HeartbeatLost, self._period, stack)
        life.fail(
            HeartbeatLostError(
                f"worker {life.core.path} has not called beat() for {self._period:g} seconds",
                timeout=self._period,
                stack=stack,
            )
        )
