"""Tells, look by look, whether an event loop is blocked, and for how long. Pure.

A thread asks the loop for a sign of life and looks for it once in every ``threshold`` seconds; so a
block of twice that length is always seen, and one that is shorter than it never reported.
"""

from __future__ import annotations

from enum import Enum
from math import inf

FIRST_WARNING = 1.0
"""Seconds after which a block that goes on is reported, and again each time it has doubled."""


class Sight(Enum):
    """What a look has shown."""

    WELL = "the loop has answered: ask it again"
    WAITING = "it has not, but it need not have yet"
    BLOCKED = "it is blocked: look where"
    STILL_BLOCKED = "and has been for so long that somebody ought to know"
    OVER = "it was blocked, and has answered: tell, and ask it again"


class Stalls:
    """What there was of blocks; read by whoever wants to know."""

    def __init__(self) -> None:
        self.count: int = 0
        self.seconds: float = 0.0
        """All of them together."""
        self.longest: float = 0.0

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count} times"
        return f"{times}, for {self.seconds:.1f} seconds in all, {self.longest:.1f} at the longest"

    def add(self, seconds: float) -> None:
        """Counts one that is over."""
        self.count += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)


class StallWatch:
    """Compares when the loop was asked with when it answered."""

    def __init__(self, threshold: float, now: float, cpu: float) -> None:
        self.threshold: float = threshold
        self.asked_at: float = now
        self.seconds: float = 0.0
        """The length of the block that the last look was about."""
        self._looked_at: float = now
        self._cpu: float = cpu
        self._is_seen: bool = False
        self._warn_at: float = FIRST_WARNING

    def next_look(self) -> float:
        """Returns when to look again."""
        return self._looked_at + self.threshold

    def look(self, now: float, cpu: float, answered_at: float = -inf) -> Sight:
        """Takes a look.

        Args:
            now: The time.
            cpu: The processor time that the process has used.
            answered_at: When the loop has answered last.
        """
        lost = self._time_lost(now, cpu)
        if answered_at >= self.asked_at:
            self.seconds = answered_at - self.asked_at - lost
            was_blocked = self._is_seen or self.seconds >= self.threshold
            self.asked_at, self._is_seen, self._warn_at = now, False, FIRST_WARNING
            return Sight.OVER if was_blocked else Sight.WELL
        self.asked_at += lost
        self.seconds = now - self.asked_at
        if self.seconds >= self._warn_at:
            self._warn_at = 2 * self.seconds
            return Sight.STILL_BLOCKED
        if self.seconds >= self.threshold and not self._is_seen:
            self._is_seen = True
            return Sight.BLOCKED
        return Sight.WAITING

    def _time_lost(self, now: float, cpu: float) -> float:
        """Returns the seconds in which nobody could run: the machine slept, or was too busy.

        A look that comes late although the process has worked was held up by what blocks the loop:
        code that does not let another thread run.
        """
        late, worked = now - self.next_look(), cpu - self._cpu
        self._looked_at, self._cpu = now, cpu
        return late if late > self.threshold and worked < late / 2 else 0.0
