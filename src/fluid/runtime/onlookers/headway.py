"""Whether a start or a stop that goes on gets anywhere."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf

from ...health import Health
from ...health.reading import everybody
from ..stages import Stage

PATIENCE = 10.0
"""Seconds without any sign of headway after which none is believed in any more."""

HANDLED = ("handled", "dead", "returned")
"""The columns of an account whose messages nobody has to wait for."""


class Headway:
    """Compares what is seen at one look with what was seen at those before.

    Args:
        health: How the tree is.
    """

    def __init__(self, health: Health) -> None:
        self._health: Health = health
        self._seen: Hashable = None
        self._changed_at: float = -inf

    def is_made(self, stage: Stage, now: float) -> bool:
        """Returns whether a stage is worth waiting for.

        That is one which is within its bound, if it has one; and any in which something has changed
        of late: who is waited for, where they await, how many messages are done with.

        Args:
            stage: The stage.
            now: The time.
        """
        seen = (stage.verb, stage.path, *_whereabouts(stage), self._handled())
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        return stage.elapsed < stage.bound < inf or now - self._changed_at < PATIENCE

    def _handled(self) -> int:
        root = self._health.worker
        if root is None:
            return 0
        accounts = (place.core.account() for place in everybody(root._worker))
        return sum(account.get(column, 0) for account in accounts for column in HANDLED)


def _whereabouts(stage: Stage) -> list[Hashable]:
    return [(each.path, each.phase, each.stack) for each in stage.waiting]
