"""What metrics are read from, part by part of their table."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..health import Report, Stalls
from ..worker.consumers.account import Account, Totals
from ..worker.supervision.slot import SupervisedSlot
from ..worker.timers.core import PeriodicCore
from ..worker.timers.tally import Tally
from ..worker.timers.tally import Totals as FireTotals


class Process(NamedTuple):
    """What is said of a tree as a whole."""

    version: str
    report: Report
    is_ready: bool
    stalls: Stalls | None
    left_out: int


class Child(NamedTuple):
    """A supervised place, at some time of its loop."""

    slot: SupervisedSlot
    now: float


class Messages(NamedTuple):
    """A consumer: what all of its mailboxes have counted, and how the present one is."""

    totals: Totals
    account: Account


class Handling(NamedTuple):
    """A consumer with a handler: the same, and how that is doing."""

    totals: Totals
    facts: dict[str, Any]


class Timer(NamedTuple):
    """A periodic worker: the counts of all its lives, and how the present one is."""

    core: PeriodicCore
    totals: FireTotals
    tally: Tally | None
