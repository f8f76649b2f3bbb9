"""How often something may begin: the token bucket, with the instant instead of the tokens.

The state of a bucket is one number, when the last token that was given out falls due; filling it
takes no timer and no arithmetic as time goes by. The caller passes now.
"""

from __future__ import annotations

from math import inf, isfinite

from ..errors import FluidValueError
from ..record import Record


class RateLimit(Record):
    """Lets a number of messages begin in a period, evenly spread.

    ::

        from fluid import RateLimit

        RateLimit(10)  # ten a second, one every 100 ms
        RateLimit(100, per=60, burst=20)  # a hundred a minute; after a rest, twenty at once

    In any period there are at most ``count + burst`` beginnings, and ``count`` in the long run. The
    limit is that of one consumer, whatever its concurrency, also when it is started again; a new
    instance begins rested.

    Args:
        count: How many.
        per: The period, in seconds; one second unless given.
        burst: How many may begin at once after a rest; one unless given.

    Raises:
        FluidValueError: If one of them cannot work.

    Source:
        The token bucket, as the generic cell rate algorithm computes it (ITU-T I.371).
    """

    count: float
    per: float
    burst: int

    def __init__(self, count: float, per: float = 1.0, burst: int = 1) -> None:
        for name, value in (("count", count), ("per", per)):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 < value < inf:
                raise FluidValueError(f"{name} of a rate limit is not a number above 0: {value!r}")
        if type(burst) is not int or burst < 1:
            raise FluidValueError(
                f"burst of a rate limit is not a whole number, 1 or more: {burst!r}"
            )
        if not _can_be_kept(count, per, burst):
            raise FluidValueError(f"a rate limit of {count!r} per {per!r} seconds cannot be kept")
        super().__init__(count, per, burst)

    @property
    def interval(self) -> float:
        """The seconds between two beginnings in the long run."""
        return self.per / self.count


def _can_be_kept(count: float, per: float, burst: int) -> bool:
    try:
        return per / count > 0 and isfinite(burst * (per / count))
    except OverflowError:  # of an int that is no float
        return False


class Bucket:
    """The tokens of one rate limit."""

    __slots__ = ("_due", "_interval", "_slack")

    def __init__(self, limit: RateLimit) -> None:
        self._interval: float = limit.interval
        self._slack: float = limit.interval * (limit.burst - 1)
        self._due: float = -inf
        """When the bucket will be full again."""

    def take(self, now: float) -> float:
        """Takes a token; returns the instant from which on it is good, ``now`` or later."""
        at = max(now, self._due - self._slack)
        self._due = max(at, self._due) + self._interval
        return at

    def give_back(self) -> None:
        """Returns a token that was not used; those that others still hold are older."""
        self._due -= self._interval
