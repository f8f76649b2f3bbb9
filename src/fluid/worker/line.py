"""The order in which the children of a group start: each when the one before it is ready."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .slot import ChildState, Slot


class Line:
    """The children whose turn has not come, and the one whose turn it is."""

    __slots__ = ("_first", "_waiting")

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._waiting: deque[Slot] = deque(slots)
        self._first: Slot | None = None

    def join(self, slot: Slot) -> None:
        """Puts a child behind all others."""
        self._waiting.append(slot)

    def next(self) -> Slot | None:
        """Returns whose turn it is now: nobody's, while the one before is not ready."""
        if not self._waiting or self._is_held_up():
            return None
        self._first = self._waiting.popleft()
        return self._first

    @property
    def latest(self) -> Slot | None:
        """Whose turn it was last."""
        return self._first

    def leave(self) -> list[Slot]:
        """Sends everybody away whose turn has not come, and returns them."""
        left = list(self._waiting)
        self._waiting.clear()
        return left

    @property
    def is_done(self) -> bool:
        """Whether everybody has had their turn and is ready."""
        return not self._waiting and not self._is_held_up()

    def _is_held_up(self) -> bool:
        return self._first is not None and self._first.state is ChildState.STARTING
