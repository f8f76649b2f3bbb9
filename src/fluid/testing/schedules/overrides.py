"""What the command line says about explorations, whatever their arguments say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...errors import FluidValueError
from .schedule import Schedule, Strike


@dataclass
class Overrides:
    """Set by the pytest plug-in."""

    seeds: range | None = None
    """Seeds to explore in place of those that a test asks for."""
    schedule: Schedule | None = None
    """The one schedule to replay in place of exploring."""
    spares: Callable[[Strike], bool] | None = None
    """Says which strikes a sweep is to leave out; set by tests that know them to be in vain."""


OVERRIDES = Overrides()
"""Those of this process."""


def is_first_round() -> bool:
    """Returns whether what does not depend on seeds has still to be run, in a long campaign."""
    return OVERRIDES.seeds is None or 0 in OVERRIDES.seeds


@contextmanager
def overridden(seeds: range | None = None, schedule: Schedule | None = None) -> Iterator[None]:
    """Overrides what explorations inside the block are asked to do."""
    before = (OVERRIDES.seeds, OVERRIDES.schedule)
    OVERRIDES.seeds, OVERRIDES.schedule = seeds, schedule
    try:
        yield
    finally:
        OVERRIDES.seeds, OVERRIDES.schedule = before


def seeds_from(text: str) -> range:
    """Returns the seeds that ``text`` names: ``500`` for the first 500, or ``500:1000``.

    Raises:
        FluidValueError: If it names none.
    """
    first, colon, last = text.rpartition(":")
    try:
        seeds = range(int(first) if colon else 0, int(last))
    except ValueError:
        seeds = range(0)
    if not seeds or seeds.start < 0:
        raise FluidValueError(
            f"seeds {text!r} name no seeds: write how many (500), or from where to where (500:1000)"
        )
    return seeds
