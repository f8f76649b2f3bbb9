"""Which fires begin after all, of those whose time may have passed."""

from __future__ import annotations

from math import inf, nextafter

from .policies import Missed
from .schedule import Series
from .set_back import LOOK_AGAIN

LONGEST_TOLERANCE = LOOK_AGAIN
"""Seconds. A fire may be as late as that because the clock was set forward."""


def made_up_for(
    series: Series,
    missed: Missed,
    first: float,
    newest: float,
    count: int,
    late: float,
) -> list[float]:
    """Returns those that begin now, in order.

    Args:
        series: The instants.
        missed: What is to become of fires that were missed.
        first: The first one that is due.
        newest: The last one that is due.
        count: How many are due.
        late: By how many seconds the last one is late.
    """
    if missed.name == Missed.ONCE.name:
        return [newest]
    if missed.name == Missed.SKIP.name:
        tolerance = missed.tolerance
        if tolerance is None:
            tolerance = _tolerated(series, newest)
        return [newest] if late <= tolerance else []
    kept, before = [newest], nextafter(first, -inf)
    while len(kept) < min(count, missed.most):
        kept.append(series.newest(before, nextafter(kept[-1], -inf)))
    return kept[::-1]


def _tolerated(series: Series, slot: float) -> float:
    following = series.after(slot)
    return (
        LONGEST_TOLERANCE if following is None else min((following - slot) / 2, LONGEST_TOLERANCE)
    )
