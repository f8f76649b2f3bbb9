"""The time by which a process that has to end is gone. Pure: the caller says what time it is."""

from __future__ import annotations

from math import inf

RESERVE = 0.1
"""The part of the deadline that the tree's stop leaves to the end of the interpreter."""

LONGEST_RESERVE = 1.0
"""Seconds that this is at the most."""


class Deadline:
    """Runs from the first reason to end, whatever others come later.

    Args:
        seconds: How long the process has; infinite for as long as it likes.
        drain_delay: The part of it that is over before the stop of the tree begins.
    """

    def __init__(self, seconds: float, drain_delay: float = 0.0) -> None:
        self.seconds: float = seconds
        self.drain_delay: float = drain_delay
        self._at: float = inf

    @property
    def is_running(self) -> bool:
        """Whether the process has to end."""
        return self._at < inf

    @property
    def for_tree(self) -> float:
        """The seconds that the stop of the tree may take."""
        return max(self.seconds - self._reserve - self.drain_delay, 0.0)

    @property
    def words(self) -> str:
        """How much of it the stop of the tree may take: ``24.0 of the 25 seconds of ...``."""
        drained = f", after {self.drain_delay:g} of drain delay," if self.drain_delay else ""
        of_all = f"{self.for_tree:.1f} of the {self.seconds:g} seconds of the process's deadline"
        return f"{of_all}{drained} are for that"

    def start(self, now: float) -> None:
        """Lets it run from ``now``, unless it runs already."""
        if self._at == inf:
            self._at = now + self.seconds

    def left(self, now: float) -> float:
        """Returns the seconds that are left; infinite where it does not run."""
        return self._at - now

    def left_for_tree(self, now: float) -> float:
        """Returns the seconds that are left for the stop of the tree."""
        return self.left(now) - self._reserve if self.is_running else inf

    @property
    def _reserve(self) -> float:
        return min(self.seconds * RESERVE, LONGEST_RESERVE)
