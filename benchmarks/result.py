"""What came out: figures in pairs, their ratio, what they are held to. Plain data, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10, nan
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    name: str
    """What was measured."""
    unit: str
    """The unit of both figures."""
    samples: Sequence[tuple[float, float]]
    """The figures of fluid and of the other, pair by pair."""
    target: Target | None = None
    """What it is held to, if anything."""

    @property
    def fluid(self) -> float:
        """The median of fluid's figures."""
        return median(fluid for fluid, _ in self.samples)

    @property
    def other(self) -> float:
        """The median of the other's figures."""
        return median(other for _, other in self.samples)

    @property
    def ratios(self) -> list[float]:
        """Fluid's figure by the other's, for each pair in which the other has one."""
        return [fluid / other for fluid, other in self.samples if other]

    @property
    def ratio(self) -> float:
        """The median of the ratios, which is not the ratio of the medians."""
        return median(self.ratios) if self.ratios else nan

    @property
    def is_met(self) -> bool:
        """Whether it meets its target; True without one."""
        return self.target is None or self.target.is_met(self)

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON-able data."""
        return {
            "name": self.name,
            "unit": self.unit,
            "fluid": self.fluid,
            "other": self.other,
            "ratio": self.ratio if self.ratios else None,
            "samples": self.samples,
            "target": None if self.target is None else self.target.text,
            "met": self.is_met,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """What a result is held to."""

    text: str
    """How the table says it."""
    is_met: Callable[[Result], bool]
    """Tells whether a result does."""


def ratio_at_least(limit: float) -> Target:
    """For figures that should be high: fluid's has to be this many times the other's."""
    return Target(f"ratio >= {limit:g}", lambda result: result.ratio >= limit)


def ratio_at_most(limit: float) -> Target:
    """For figures that should be low: fluid's may be this many times the other's."""
    return Target(f"ratio <= {limit:g}", lambda result: result.ratio <= limit)


def fluid_at_most(limit: float, unit: str) -> Target:
    """For figures that are good or bad whatever the other's is."""
    return Target(f"fluid <= {limit:g} {unit}", lambda result: result.fluid <= limit)


def fluid_at_least(limit: float, unit: str) -> Target:
    """Likewise, for figures that should be high."""
    return Target(f"fluid >= {limit:g} {unit}", lambda result: result.fluid >= limit)


def three_digits(value: float) -> str:
    """Returns ``value`` with three significant digits at least, and never with an exponent."""
    if not value:
        return "0"
    return f"{value:,.{max(2 - floor(log10(abs(value))), 0)}f}"
