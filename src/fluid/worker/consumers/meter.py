"""How a consumer is doing: counts, and times that cost one look at the clock per slice.

No message carries a time. What is kept is how many had been accepted by certain instants, and the
length of the queue at those; the rest follows. The sum of all waits is the area under the length of
the queue (Little's law), so it is right to within a slice; the age of the oldest message is right
to within the slice in which it came, or a thirtieth of the highest that it has been, and never too
low where messages are taken in order. One that others overtake, as it waits to be tried again,
looks as young as they are.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import inf

MARKS = 128
"""The most instants that are kept; then half of them are forgotten, evenly over time."""


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
        self.woke_at: float = inf
        """When a loop took up its work after the queue had been empty; inf until one does."""
        self._marks: deque[tuple[int, float]] = deque()
        """How many messages had been accepted, and when, as long as that says anything."""

    def look(self, now: float, queued: int, accepted: int) -> None:
        """Notes how long the queue is."""
        if self.woke_at > self.at:
            self.at, self.queued = min(self.woke_at, now), 0
        self.waited += (self.queued + queued) * 0.5 * (now - self.at)
        self.at, self.queued = now, queued
        marks, taken = self._marks, accepted - queued
        while len(marks) > 1 and marks[1][0] <= taken:
            marks.popleft()
        if marks and marks[-1][0] == accepted:  # the next message comes later still
            marks.pop()
        marks.append((accepted, now))
        if len(marks) > MARKS:
            self._marks = thinned(marks)

    def oldest(self, now: float, queued: int, accepted: int) -> float:
        """Returns how old the oldest message that waits is, in seconds, at the most."""
        if not queued:
            return 0.0
        since, taken = self.woke_at, accepted - queued
        for count, at in tuple(self._marks):  # at once: another thread may ask
            if count <= taken:
                since = max(since, at)
        return max(now - since, 0.0)


def thinned(marks: deque[tuple[int, float]]) -> deque[tuple[int, float]]:
    """Returns about half of the marks, no further apart in time than is inevitable.

    Every other one would do so only once: what is old would be thinned out again and again.
    """
    gap = (marks[-1][1] - marks[0][1]) / (MARKS / 4)  # two of them need more than that
    kept = deque([marks[0]])
    for mark, following in pairwise(marks):
        if following[1] > kept[-1][1] + gap and mark is not kept[-1]:
            kept.append(mark)
    kept.append(marks[-1])
    return kept
