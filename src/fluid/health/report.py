"""What is said of a tree of workers from outside, as plain data. Nothing here looks at a worker."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ..record import Record

MOST_TOLD = 10
"""Troubles of a kind that a report tells; whoever reads more of them looks at the tree."""


class Phase(StrEnum):
    """Where a tree of workers is, as whoever sends it work needs to know."""

    STARTING = "starting"
    """It has not been ready yet."""
    READY = "ready"
    """It is ready for work."""
    NOT_READY = "not ready"
    """It has been ready; somebody without whom it cannot work is down."""
    RESTARTING = "restarting"
    """It is on its way down, and another one will follow."""
    STOPPING = "stopping"
    """It is on its way down, or will be when its drain delay is over."""
    ENDED = "ended"
    """It has ended."""


class Trouble(Record):
    """One worker that is not as it should be."""

    path: str
    """The worker, as ``worker_path`` says it."""
    what: str
    """What is wrong with it, in one line: ``restarts in 2.0 s, as it failed (OSError: gone)``."""

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


class Report(Record):
    """How a tree of workers is.

    Of each kind of trouble it tells the first ten.
    """

    name: str
    """The root worker's path."""
    phase: Phase
    """Where it is."""
    is_live: bool
    """Whether it makes sense to let the process go on."""
    is_ready: bool
    """Whether it makes sense to send it work."""
    not_live: tuple[Trouble, ...]
    """What makes it not live."""
    not_ready: tuple[Trouble, ...]
    """What makes it not ready."""
    degraded: tuple[Trouble, ...]
    """What is wrong, and does not stand in the way of work."""
    workers: Mapping[str, int]
    """How many workers there are in each state that any is in."""

    @property
    def summary(self) -> str:
        """The whole report in one line: ``ready, 5 workers``, or what is wrong, and with whom."""
        number = sum(self.workers.values())
        told = self.not_live or self.not_ready or self.degraded
        troubles = "; ".join(map(str, told))
        match self.phase:
            case Phase.READY:
                workers = "1 worker" if number == 1 else f"{number} workers"
                return f"ready, {workers}{troubles and f'; degraded: {troubles}'}"
            case phase:
                return f"{phase.value}: {troubles}" if troubles else phase.value

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-able data."""
        return {
            "name": self.name,
            "phase": self.phase.value,
            "live": self.is_live,
            "ready": self.is_ready,
            "not_live": _as_list(self.not_live),
            "not_ready": _as_list(self.not_ready),
            "degraded": _as_list(self.degraded),
            "workers": dict(self.workers),
        }


def _as_list(troubles: tuple[Trouble, ...]) -> list[dict[str, str]]:
    return [{"worker": trouble.path, "what": trouble.what} for trouble in troubles]
