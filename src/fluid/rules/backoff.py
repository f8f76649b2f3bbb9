"""How long to wait before the next attempt: exponential, capped, with jitter."""

from __future__ import annotations

from math import ceil, isfinite, log
from random import Random
from sys import float_info

from ..errors import FluidValueError
from ..record import Record
from ..settings import duration

SUMMED = 10_000
"""Waits that are summed up one by one; where more of them matter, an estimate will do."""


class Backoff(Record):
    """The waits before attempts: ``initial``, then each ``factor`` times the one before.

    ::

        from fluid import Backoff

        patient = Backoff(initial=5, maximum=300)
        at_once = Backoff(initial=0)

    Args:
        initial: Seconds before the first attempt; 0 for no waits at all. Default 0.5.
        factor: How much longer each wait is than the one before; 1 for waits of one length.
            Default 2.
        maximum: The longest wait in seconds, before jitter. Default 30.
        jitter: By what part of itself a wait may be shorter or longer, by chance, so that a
            thousand that fell together do not rise together. Default 0.2, a fifth.
        reset_after: Seconds of running well after which the next wait is ``initial`` again.
            Default 60.

    Raises:
        FluidValueError: If one of them cannot work.

    Source:
        Exponential back-off is that of every network protocol since Ethernet. The defaults reach
        ``maximum`` with the seventh attempt, a minute after the first.
    """

    initial: float
    factor: float
    maximum: float
    jitter: float
    reset_after: float

    def __init__(
        self,
        initial: float = 0.5,
        factor: float = 2.0,
        maximum: float = 30.0,
        jitter: float = 0.2,
        reset_after: float = 60.0,
    ) -> None:
        for name, value in (
            ("initial", initial),
            ("maximum", maximum),
            ("reset_after", reset_after),
        ):
            duration(f"{name} of a back-off", value)
        if not isfinite(initial) or not isfinite(maximum) or initial > maximum:
            raise FluidValueError(
                f"a back-off cannot grow from {initial!r} to {maximum!r} seconds: "
                f"initial has to be at most maximum, and both finite"
            )
        if not _is_number(factor) or not 1 <= factor <= float_info.max:
            raise FluidValueError(f"factor of a back-off is not a number, 1 or more: {factor!r}")
        if not _is_number(jitter) or not 0 <= jitter <= 1:
            raise FluidValueError(f"jitter of a back-off is not a number from 0 to 1: {jitter!r}")
        super().__init__(initial, factor, maximum, jitter, reset_after)

    def wait(self, attempt: int, random: Random) -> float:
        """Returns the seconds to wait before an attempt; the first attempt is number 1."""
        return self.base(attempt) * random.uniform(1 - self.jitter, 1 + self.jitter)

    def base(self, attempt: int) -> float:
        """Returns the wait before an attempt, without jitter."""
        try:
            # As a float even where it is an int, whose powers take longer and longer to compute.
            return min(self.initial * float(self.factor) ** (attempt - 1), self.maximum)
        except OverflowError:
            return self.maximum if self.initial else 0.0

    def least(self, attempts: int) -> float:
        """Returns the shortest time that the waits before so many attempts can take together."""
        if not self.initial or self.factor == 1:
            return attempts * self.initial * (1 - self.jitter)
        total, number = 0.0, 0
        while number < min(attempts, SUMMED) and (wait := self.base(number + 1)) < self.maximum:
            total += wait
            number += 1
        return (total + self._sum(number, attempts)) * (1 - self.jitter)

    def _sum(self, after: int, attempts: int) -> float:
        """Returns the sum of the waits after the first ``after`` of so many attempts, nearly."""
        first, last = self.base(after + 1), self.base(attempts)
        growing = 0
        if first < self.maximum:  # so slowly that it is as good as a straight line
            to_grow = ceil((log(self.maximum) - log(first)) / log(float(self.factor)))
            growing = min(to_grow, attempts - after)
        return growing * (first + last) / 2 + (attempts - after - growing) * self.maximum


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
