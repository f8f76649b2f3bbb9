"""How many restarts are too many: a true sliding window over restart decisions.

The window has a clock of its own. It stands still while a child stops, or starts in vain, so that
neither a slow stop nor a slow start lets old restarts fall out of the window: OTP's trap, in which
a child that takes ten seconds to die is restarted for ever. The caller passes the time.
"""

from __future__ import annotations

from collections import deque
from math import isinf
from typing import Generic, TypeVar

from ..errors import FluidValueError
from ..settings import duration
from .backoff import Backoff

E = TypeVar("E")


class RestartLimit(Generic[E]):
    """At most ``max_restarts`` within ``period`` seconds, each kept with what is to be said of it.

    A restart that is exactly ``period`` seconds old still counts, as in OTP.
    """

    __slots__ = ("_decisions", "_most", "_still", "_stood", "max_restarts", "period")

    def __init__(self, max_restarts: int, period: float) -> None:
        self.max_restarts: int = max_restarts
        self.period: float = period
        self._most: int = max_restarts
        """The largest limit so far: so many decisions may matter, and one more."""
        self._decisions: deque[tuple[float, E]] = deque()
        self._still: deque[tuple[float, float]] = deque()
        """When it stood still since the first of them: from, until; in order, and apart."""
        self._stood: float = 0.0
        """How long all of that was."""

    def admit(self, now: float, entry: E) -> bool:
        """Counts one decision to restart; returns whether it is within the limit."""
        self._decisions.append((now, entry))
        self._forget(now)
        return len(self._decisions) <= self.max_restarts

    def left(self, now: float) -> int:
        """Returns how many restarts there may be now before the limit is reached."""
        self._forget(now)
        return max(self.max_restarts - len(self._decisions), 0)

    def stand_still(self, since: float, until: float) -> None:
        """Takes the time from ``since`` to ``until`` out of the window; what overlaps, once.

        ``until`` is now, in effect: it never goes back from one call to the next.
        """
        if since >= until or not self._decisions:  # who is not here yet does not age
            return
        still = self._still
        while still and still[-1][1] >= since:
            began, ended = still.pop()
            self._stood -= ended - began
            since = min(since, began)
        still.append((since, until))
        self._stood += until - since
        self._forget(until)

    @property
    def history(self) -> tuple[E, ...]:
        """What was counted and is still in the window, in order."""
        return tuple(entry for _, entry in self._decisions)

    def change(self, max_restarts: int, period: float) -> None:
        """Sets other limits; what was counted stays."""
        self.max_restarts, self.period = max_restarts, period
        self._most = max(self._most, max_restarts)

    def _forget(self, now: float) -> None:
        decisions = self._decisions
        while decisions and self._age_of_first(now) > self.period:
            decisions.popleft()
        if len(decisions) > self._most + 1:  # the limit has been passed before
            decisions.popleft()

    def _age_of_first(self, now: float) -> float:
        """Returns how old the first decision is, on the window's own clock."""
        at, still = self._decisions[0][0], self._still
        while still and still[0][1] <= at:
            began, ended = still.popleft()
            self._stood -= ended - began
        if not still:
            self._stood = 0.0  # exactly
            return now - at
        return now - at - self._stood + max(at - still[0][0], 0.0)


def check_limit(subject: str, max_restarts: int, period: float) -> None:
    """Refuses limits that are no numbers.

    Raises:
        FluidValueError: If ``max_restarts`` is not a whole number, zero or more, or ``period``
            not a number of seconds, more than zero.
    """
    if isinstance(max_restarts, bool) or not isinstance(max_restarts, int) or max_restarts < 0:
        raise FluidValueError(
            f"max_restarts of {subject} is not a whole number, zero or more: {max_restarts!r}"
        )
    if duration(f"period of {subject}", period) == 0 or isinf(period):
        raise FluidValueError(
            f"period of {subject} has to be more than 0 seconds and finite: {period!r}"
        )


def check_reachable(subject: str, max_restarts: int, period: float, backoff: Backoff) -> None:
    """Refuses a limit that one child, failing at once each time, could never reach.

    Raises:
        FluidValueError: With the arithmetic, if the waits between so many restarts take longer
            than the period: the child would be restarted for ever.
    """
    shortest = backoff.least(max_restarts)
    if shortest > period:
        enough = f"{shortest + 0.5:.0f}"
        raise FluidValueError(
            f"{subject} would never give up: the waits before {max_restarts} restarts "
            f"({_waits(backoff, max_restarts)} seconds, {backoff.jitter:.0%} less by jitter) take "
            f"at least {shortest:g} seconds, and the limit is {max_restarts} restarts within "
            f"{period:g}; allow fewer restarts, a longer period ({enough} would do), or "
            f"shorten the back-off"
        )


def _waits(backoff: Backoff, attempts: int) -> str:
    """Returns ``0.5 + 1 + 2 + ... + 30`` for the waits before so many attempts."""
    shown = [f"{backoff.base(number):g}" for number in range(1, min(attempts, 5) + 1)]
    if attempts > 6:
        shown.append("...")
    if attempts > 5:
        shown.append(f"{backoff.base(attempts):g}")
    return " + ".join(shown)
