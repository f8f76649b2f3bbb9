"""Whether what has to happen sometimes did: judged once, over all that one test explores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .overrides import is_first_round
from .report import NeverHappenedError
from .tally import Tally

_open: list[Tally] = []
"""The tally of the block that is open, if one is."""


@contextmanager
def judged_together(name: str) -> Iterator[Tally]:
    """Judges, at the end of the outermost block, the marks of everything that was explored in it.

    What only a fault can reach is seen by a sweep and not by the exploration before it; a test that
    does both has seen it.

    Args:
        name: Of the scenario, for the error.

    Yields:
        The tally to add to.

    Raises:
        NeverHappenedError: If a mark had not happened in any schedule. Not if the block raises.
    """
    if _open:
        yield _open[0]
        return
    tally = Tally()
    _open.append(tally)
    try:
        yield tally
    finally:
        _open.clear()
    if not is_first_round():  # then some of what reaches them was left out
        return
    if never := tally.never_happened():
        raise NeverHappenedError(
            f"{name} passed {tally.schedules:,} schedules, in none of which this happened: "
            f"{', '.join(never)}. Explore more, or make the scenario reach it."
        )
