"""What there was of blocks of an event loop, as numbers for whoever wants to know."""

from __future__ import annotations


class Stalls:
    """What there was of blocks of the event loop that are over."""

    def __init__(self) -> None:
        self.count: int = 0
        """How many."""
        self.seconds: float = 0.0
        """For how many seconds, all of them together."""
        self.longest: float = 0.0
        """For how many seconds, the longest of them."""

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count} times"
        return f"{times}, for {self.seconds:.1f} seconds in all, {self.longest:.1f} at the longest"

    def add(self, seconds: float) -> None:
        """Counts one that is over."""
        self.count += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)
