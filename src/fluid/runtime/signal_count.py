"""Which request a signal is: the first asks, the second takes away the grace, the third kills.

Pure: the caller says which signal it is, and when it came.
"""

from __future__ import annotations

from enum import Enum
from math import inf

SAME_REQUEST_SECONDS = 0.5
"""The same signal again within this time is the same request.

A terminal sends Ctrl-C to a whole process group, and a parent often passes it on as well.
"""


class Request(Enum):
    """What a signal asks for."""

    NOTHING = 0
    """It is a request that was counted already, delivered once more."""
    STOP = 1
    """A graceful stop."""
    FORCE = 2
    """The end of all grace."""
    LEAVE = 3
    """The end of the process, on the spot."""


class SignalCount:
    """Counts requests to stop."""

    def __init__(self) -> None:
        self.repeated: int = 0
        """The signal that was the second request, if there was one."""
        self._requests: int = 0
        self._counted_at: dict[int, float] = {}

    def count(self, number: int, now: float) -> Request:
        """Returns what signal ``number`` asks for, coming at ``now`` seconds.

        The time in which it is the same request runs from the one that was counted, so that not
        even a flood of signals keeps the next request out. Each signal has its own: of a SIGINT and
        a SIGTERM that both come twice, only two count.
        """
        if self.is_same(number, now):
            return Request.NOTHING
        self._counted_at[number] = now
        self._requests = min(self._requests + 1, Request.LEAVE.value)
        if self._requests == Request.FORCE.value:
            self.repeated = number
        return Request(self._requests)

    @property
    def has_come(self) -> bool:
        """Whether there was any request."""
        return self._requests > 0

    def is_same(self, number: int, now: float) -> bool:
        """Returns whether signal ``number``, coming at ``now``, would be counted already."""
        return now - self._counted_at.get(number, -inf) < SAME_REQUEST_SECONDS
