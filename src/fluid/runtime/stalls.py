"""Tells, look by look, whether an event loop is blocked, and for how long. Pure.

A thread asks the loop for a sign of life, looks for it after ``threshold`` seconds, and asks again
after a rest. A block that is shorter than the threshold is never reported, one that is
``ALWAYS_SEEN`` times as long always is, and what is between by its share: code that blocks often is
found soon. An idle process is woken that little often.
"""

from __future__ import annotations

from enum import Enum
from math import inf

REST = 3
"""Looks from one question to the next, when all is well."""

SHIFT = 0.618
"""The part of a look by which rests differ, so that they fall into step with nothing regular."""

ALWAYS_SEEN = REST + 1
"""Thresholds that a block lasts which begins at the worst moment, and is seen all the same."""

FIRST_WARNING = 1.0
"""Seconds after which a block that goes on is reported, and again each time it has doubled."""


class Sight(Enum):
    """What a look has shown."""

    QUIET = "nothing is to be done"
    ASK = "ask the loop again"
    BLOCKED = "it is blocked: look where"
    STILL_BLOCKED = "and has been for so long that somebody ought to know"
    OVER = "it was blocked, and has answered"


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
        self._rest: int = 0
        """Looks that are left until the loop is asked again."""
        self._shift: float = 0.0
        self._warn_at: float = FIRST_WARNING

    def next_look(self) -> float:
        """Returns when to look again."""
        return self._looked_at + self.threshold * (self._rest - self._shift if self._rest else 1)

    def look(self, now: float, cpu: float, answered_at: float = -inf) -> Sight:
        """Takes a look.

        Args:
            now: The time.
            cpu: The processor time that the process has used.
            answered_at: When the loop has answered last.
        """
        if self._rest:
            return self._come_back(now, cpu)
        has_answered = answered_at >= self.asked_at
        lost = self._time_lost(now, cpu, answered_at if has_answered else now)
        if has_answered:
            self.seconds = answered_at - self.asked_at - lost
            was_blocked = self._is_seen or self.seconds >= self.threshold
            self._rest, self._shift = REST - 1, (self._shift + SHIFT) % 1
            self._is_seen, self._warn_at = False, FIRST_WARNING
            return Sight.OVER if was_blocked else Sight.QUIET
        self.asked_at += lost
        self.seconds = now - self.asked_at
        if self.seconds >= self._warn_at:
            self._warn_at, self._is_seen = 2 * self.seconds, True
            return Sight.STILL_BLOCKED
        if self.seconds >= self.threshold and not self._is_seen:
            self._is_seen = True
            return Sight.BLOCKED
        return Sight.QUIET

    def _come_back(self, now: float, cpu: float) -> Sight:
        """Ends the rest; that this look may be late is of no account, as nothing was asked."""
        self._rest, self.asked_at, self._looked_at, self._cpu = 0, now, now, cpu
        return Sight.ASK

    def _time_lost(self, now: float, cpu: float, until: float) -> float:
        """Returns how long nobody could run, up to ``until``: the machine slept, or was too busy.

        A look that comes late although the process has worked was held up by what blocks the loop:
        code that does not let another thread run. If it has not, nothing is known of all the time
        since the look before.
        """
        since, worked = self._looked_at, cpu - self._cpu
        late = now - self.next_look()
        self._looked_at, self._cpu = now, cpu
        is_lost = late > self.threshold and worked < late / 2
        return max(until - since, 0.0) if is_lost else 0.0
