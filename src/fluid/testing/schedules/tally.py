"""What explorations amount to, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

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
    failures: int = 0
    """Explorations that failed."""

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
        self.failures += other.failures

    def never_happened(self) -> list[str]:
        """Returns the marks that were looked at, and had not happened in any schedule."""
        return sorted(mark for mark, times in self.marks.items() if not times)

    def __str__(self) -> str:
        return (
            f"{self.schedules:,} schedules, {self.seconds / 3600:,.1f} simulated hours, "
            f"{self.faults.total():,} faults, {self.failures:,} failures"
        )


TOTAL = Tally()
"""What this process has explored so far."""
