"""What explorations amount to, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .simulate import Run


@dataclass
class Tally:
    """How much was explored; as text, one line."""

    schedules: int = 0
    """Schedules that were run."""
    seconds: float = 0.0
    """Virtual seconds that they took together."""
    faults: Counter[str] = field(default_factory=Counter)
    """The faults that struck, by name."""
    marks: Counter[str] = field(default_factory=Counter)
    """In how many schedules each mark of :meth:`Simulation.sometimes` had happened."""

    def count(self, run: Run) -> None:
        """Adds a run."""
        self.schedules += 1
        self.seconds += run.seconds
        self.faults.update(run.fired)
        self.marks.update({mark: int(happened) for mark, happened in run.marks.items()})

    def add(self, other: Tally) -> None:
        """Adds what another tally has counted."""
        self.schedules += other.schedules
        self.seconds += other.seconds
        self.faults.update(other.faults)
        self.marks.update(other.marks)

    def as_data(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {**vars(self), "faults": dict(self.faults), "marks": dict(self.marks)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Tally:
        """Returns what :meth:`as_data` has made plain.

        Args:
            data: What that has returned.
        """
        return cls(**{**data, "faults": Counter(data["faults"]), "marks": Counter(data["marks"])})

    def never_happened(self) -> list[str]:
        """Returns the marks that were looked at, and had not happened in any schedule."""
        return sorted(mark for mark, times in self.marks.items() if not times)

    def __str__(self) -> str:
        return (
            f"{self.schedules:,} schedules, {self.seconds / 3600:,.1f} simulated hours, "
            f"{self.faults.total():,} faults"
        )


TOTAL = Tally()
"""What this process has explored so far."""
