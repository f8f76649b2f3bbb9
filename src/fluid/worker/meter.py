"""How a consumer is doing: counts, and times that cost one look at the clock per slice.

No message carries a time. What is kept is how many had been accepted by certain instants, and the
length of the queue at those; the rest follows. The sum of all waits is the area under the length of
the queue (Little's law), so it is right to within a slice; the age of the oldest message is right
to within the slice in which it came, and never too low.
"""

from __future__ import annotations

from collections import deque
from math import inf

MARKS = 128
"""The most instants that are kept; then every other one is forgotten."""


class Meter:
    """The counts and times of one mailbox. Its loops write them; nobody else may."""

    __slots__ = (
        "_marks",
        "abandoned",
        "at",
        "failed",
        "handled_for",
        "queued",
        "retried",
        "waited",
        "woke_at",
    )

    def __init__(self) -> None:
        self.failed: int = 0
        """Attempts in which a handler raised."""
        self.retried: int = 0
        """Those after which the message was to be tried again."""
        self.abandoned: int = 0
        """Handlers that refused to end."""
        self.waited: float = 0.0
        """Seconds that messages have waited, of all together."""
        self.handled_for: float = 0.0
        """Seconds that loops were busy with messages, of all together."""
        self.at: float = -inf
        """When somebody looked last."""
        self.queued: int = 0
        """How many messages waited then."""
        self.woke_at: float = -inf
        """When a loop took up its work the last time after the queue had been empty."""
        self._marks: deque[tuple[int, float]] = deque()
        """How many messages had been accepted, and when, as long as that says anything."""

    def look(self, now: float, queued: int, accepted: int) -> None:
        """Notes how long the queue is."""
        if self.woke_at > self.at:
            self.at, self.queued = self.woke_at, 0
        elif self.at == -inf:  # nobody has looked before
            self.at = now
        self.waited += (self.queued + queued) * 0.5 * (now - self.at)
        self.at, self.queued = now, queued
        marks, taken = self._marks, accepted - queued
        while len(marks) > 1 and marks[1][0] <= taken:
            marks.popleft()
        if not marks or marks[-1][0] < accepted:
            marks.append((accepted, now))
            if len(marks) > MARKS:
                self._marks = deque(list(marks)[::2])

    def oldest(self, now: float, queued: int, accepted: int) -> float:
        """Returns how old the oldest message that waits is, in seconds, at the most."""
        if not queued:
            return 0.0
        since, taken = self.woke_at, accepted - queued
        for count, at in self._marks:
            if count <= taken:
                since = max(since, at)
        return now - since if since > -inf else 0.0
