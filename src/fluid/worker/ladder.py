"""A flight of deadlines behind one timer: what happens to a stop as time passes.

Each rung is an instant and an action. The ladder knows nothing of workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from math import isinf
from typing import NamedTuple


class Rung(NamedTuple):
    """Something to do at an instant."""

    at: float
    """The instant, in seconds of the loop's clock."""
    action: Callable[[], None]


class Ladder:
    """Climbs its rungs in order, each at its instant, with one timer of the loop."""

    __slots__ = ("_loop", "_rungs", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rungs: list[Rung] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_armed(self) -> bool:
        """Whether anything is still to come."""
        return bool(self._rungs)

    def climb(self, rungs: Iterable[Rung]) -> None:
        """Replaces all rungs; those whose instant has come act in a later step of the loop."""
        self.clear()
        self._rungs = [rung for rung in rungs if not isinf(rung.at)]
        self._arm()

    def hurry(self, deadline: float) -> None:
        """Moves what is left, in proportion, so that the last rung acts by ``deadline``.

        It never moves a rung to a later instant.
        """
        if not self._rungs or self._rungs[-1].at <= deadline:
            return
        now = self._loop.time()
        left = max(deadline - now, 0.0)
        whole = self._rungs[-1].at - now
        factor = left / whole if whole > 0 else 0.0
        self.climb([Rung(now + (at - now) * factor, action) for at, action in self._rungs])

    def clear(self) -> None:
        """Forgets all rungs."""
        self._rungs = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._rungs:
            self._timer = self._loop.call_at(self._rungs[0].at, self._step)

    def _step(self) -> None:
        rung = self._rungs.pop(0)
        self._timer = None
        self._arm()
        rung.action()
