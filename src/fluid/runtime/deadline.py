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
    """

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self._at: float = inf

    @property
    def is_running(self) -> bool:
        """Whether the process has to end."""
        return self._at < inf

    @property
    def for_tree(self) -> float:
        """The seconds that the stop of the tree may take."""
        return self.seconds - min(self.seconds * RESERVE, LONGEST_RESERVE)

    def start(self, now: float) -> None:
        """Lets it run from ``now``, unless it runs already."""
        if self._at == inf:
            self._at = now + self.seconds

    def left(self, now: float) -> float:
        """Returns the seconds that are left; infinite where it does not run."""
        return self._at - now

    def left_for_tree(self, now: float) -> float:
        """Returns the seconds that are left for the stop of the tree."""
        return self.left(now) - (self.seconds - self.for_tree) if self.is_running else inf
