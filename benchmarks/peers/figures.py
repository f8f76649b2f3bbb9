"""The figures of all systems, round by round, and what follows from them. Plain data, no clock.

A figure by itself says little: the machine is faster now and slower then. So each round has every
system once, and what is compared are the figures of the same round. Of such ratios the median
counts, and beside it stand the lowest and the highest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from statistics import median
from typing import Any, NamedTuple

from .systems import BARE, OURS, PEERS

Samples = dict[str, dict[str, list[float]]]
"""For each row, for each system that has it, a figure from each round."""


LEVEL = 0.1
"""By what part two systems may differ that were ahead in turn, and be level."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    key: str
    """What its figures are called."""
    title: str
    """What was measured."""
    unit: str
    """The unit of its figures."""
    more_is_better: bool = False
    """Whether high figures are good ones."""
    absent: str = "-"
    """What is said of a system that has no figure."""
    behind: str = ""
    """Why a peer may be ahead of fluid; shown where one is."""


class Spread(NamedTuple):
    """The median of some figures, and between what they are."""

    middle: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Returns that of ``values``, of which there is at least one."""
        return cls(median(values), min(values), max(values))


class Lead(NamedTuple):
    """How fluid does beside one peer, in one row."""

    peer: str
    factor: float
    """How many times better fluid is: the median over the rounds. Below 1, it is behind."""
    ahead_in: int
    """Rounds in which fluid was ahead."""
    rounds: int
    """Rounds that there were."""

    @property
    def is_level(self) -> bool:
        """Whether it is chance who is ahead: both were, and never by much."""
        return 0 < self.ahead_in < self.rounds and abs(self.factor - 1) < LEVEL

    @property
    def is_ahead(self) -> bool:
        """Whether fluid is the better one."""
        return self.factor > 1 and not self.is_level

    @property
    def is_behind(self) -> bool:
        """Whether the peer is."""
        return self.factor <= 1 and not self.is_level


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was measured, and where."""

    machine: str
    """The machine, in one line."""
    python: str
    """The Python of all environments."""
    versions: dict[str, str]
    """The version of each system that its environment has."""
    samples: Samples = field(default_factory=dict)

    def has(self, row: Row, system: str) -> bool:
        """Tells whether a system has figures in a row."""
        return bool(self.samples.get(row.key, {}).get(system))

    def figures(self, row: Row, system: str) -> Spread:
        """Returns what a system needed."""
        return Spread.of(self.samples[row.key][system])

    def ratios(self, row: Row, system: str) -> Spread:
        """Returns what it needed, by what bare asyncio needed in the same round."""
        ours, bare = self.samples[row.key][system], self.samples[row.key][BARE]
        return Spread.of([one / other for one, other in zip(ours, bare, strict=True)])

    def leads(self, row: Row) -> list[Lead]:
        """Returns how fluid does beside each peer that has figures in a row."""
        return [self.lead(row, peer) for peer in PEERS if self.has(row, peer)]

    def lead(self, row: Row, peer: str) -> Lead:
        """Returns how fluid does beside one peer."""
        pairs = zip(self.samples[row.key][OURS], self.samples[row.key][peer], strict=True)
        factors = [one / other if row.more_is_better else other / one for one, other in pairs]
        ahead_in = sum(factor > 1 for factor in factors)
        return Lead(peer, median(factors), ahead_in, len(factors))

    @property
    def digest(self) -> str:
        """What tells these figures from all others: the plots carry it."""
        return sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON-able data, the figures with five digits."""
        return {
            "machine": self.machine,
            "python": self.python,
            "versions": self.versions,
            "samples": {
                row: {
                    system: [float(f"{value:.5g}") for value in values]
                    for system, values in systems.items()
                }
                for row, systems in self.samples.items()
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Returns what ``as_dict`` has told."""
        return cls(data["machine"], data["python"], data["versions"], data["samples"])
