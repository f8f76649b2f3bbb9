"""Which fires begin after all, of those whose time may have passed."""

from __future__ import annotations

from math import inf, nextafter

from .policies import Missed
from .schedule import Series

LONGEST_TOLERANCE = 60.0
"""Seconds. As long as it may take until a change of the clock is noticed."""


def made_up_for(
    series: Series,
    missed: Missed,
    tolerance: float | None,
    first: float,
    newest: float,
    count: int,
    late: float,
) -> list[float]:
    """Returns those that begin now, in order.

    Args:
        series: The instants.
        missed: What is to become of fires that were missed.
        tolerance: Seconds by which one may be late; None for half the time until the next one.
        first: The first one that is due.
        newest: The last one that is due.
        count: How many are due.
        late: By how many seconds the last one is late.
    """
    if missed.name == Missed.ONCE.name:
        return [newest]
    if missed.name == Missed.SKIP.name:
        tolerated = _tolerated(series, newest) if tolerance is None else tolerance
        return [newest] if late <= tolerated else []
    kept, before = [newest], nextafter(first, -inf)
    while len(kept) < min(count, missed.most):
        kept.append(series.newest(before, nextafter(kept[-1], -inf)))
    return kept[::-1]


def _tolerated(series: Series, slot: float) -> float:
    following = series.after(slot)
    return (
        LONGEST_TOLERANCE if following is None else min((following - slot) / 2, LONGEST_TOLERANCE)
    )
