"""When the steps of one stop are due: a worker's periods, laid out from the moment it begins."""

from __future__ import annotations

from typing import NamedTuple

from ..rules.budget import Periods


class StopPlan(NamedTuple):
    """The deadlines of one stop, as instants and periods of the loop's clock."""

    cancel_at: float
    """When ``run`` is cancelled, if it has not ended."""
    cancel_period: float
    """Seconds from there to the second cancel, and from that to being abandoned."""
    cleanup_period: float
    """Seconds for the cleanup, from the end of ``run``."""
    end_by: float
    """When all of it is over, whatever happens."""


def plan_of(periods: Periods, now: float) -> StopPlan:
    """Lays ``periods`` out from ``now``."""
    return StopPlan(now + periods.grace, periods.cancel, periods.cleanup, now + periods.bound)
