"""The private side of a periodic worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ... import events, tasks
from ...rules.lifecycle import RUNNING
from ..core import Core
from ..life import Life

if TYPE_CHECKING:
    from ...rules.schedules.schedule import Schedule
    from ..base import Worker
    from .firing import Firing
    from .tally import Tally


class PeriodicCore(Core):
    """Who fires, through all lives; what one of them does is in ``firing.py``."""

    __slots__ = ("firing", "tally")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.firing: Firing | None = None
        """What fires, while ``run`` does."""
        self.tally: Tally | None = None
        """The counts of the present life, or of the last one."""

    def life_begun(self, life: Life) -> None:
        """Begins anew with the counts."""
        super().life_begun(life)
        self.tally = None

    def run_ended(self, error: BaseException | None) -> None:
        """Lets go of what fires, which refers to the worker."""
        super().run_ended(error)
        self.firing = None

    def left_alone(self, fire: asyncio.Task[Any]) -> None:
        """Notes that a fire refuses to end, and that nobody waits for it any more."""
        if self.life is not None:
            self.life.leave_alone(fire)
        self.emit(events.HandlerAbandoned, tasks.await_stack(fire))

    def facts_of_timer(self, schedule: Schedule) -> dict[str, Any]:
        """Returns how its timer is doing, as JSON-able data."""
        life, firing, tally = self.life, self.firing, self.tally
        if tally is None:
            return {"schedule": str(schedule)}
        if firing is None:  # it may have got another one since
            return tally.facts(running=0, goes_on=False) | {"schedule": str(schedule)}
        is_running = life is not None and life.state is RUNNING and not life.stop_asked
        return tally.facts(running=firing.running, goes_on=is_running and not firing.is_cut)
