"""The private side of a periodic worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ... import events, tasks
from ...rules.lifecycle import RUNNING
from ..core import Core
from ..life import Life
from .tally import Totals

if TYPE_CHECKING:
    from ...rules.schedules.schedule import Schedule
    from ..base import Worker
    from .firing import Firing
    from .periodic import PeriodicWorker
    from .tally import Tally


class PeriodicCore(Core):
    """Who fires, through all lives; what one of them does is in ``firing.py``."""

    __slots__ = ("before", "firing", "tally")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.firing: Firing | None = None
        """What fires, while ``run`` does."""
        self.tally: Tally | None = None
        """The counts of the present life, or of the last one."""
        self.before: Totals = Totals()
        """What had been counted when that one began."""

    def life_begun(self, life: Life) -> None:
        """Begins anew with the counts."""
        super().life_begun(life)
        self.before = self.totals()
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

    def totals(self) -> Totals:
        """Returns the counts of all lives together, at any moment, to any thread."""
        tally = self.tally
        return self.before if tally is None else tally.totals()

    def follows(self, before: Core) -> None:
        """Goes on from what was counted so far."""
        super().follows(before)
        if isinstance(before, PeriodicCore):
            self.before = before.totals()

    def own_facts(self, worker: Worker) -> dict[str, Any]:
        """Returns how its timer is doing."""
        schedule = cast("PeriodicWorker", worker).schedule
        return {"timer": self.facts_of_timer(schedule)}

    def facts_of_timer(self, schedule: Schedule) -> dict[str, Any]:
        """Returns the same, as JSON-able data."""
        firing, tally = self.firing, self.tally
        if tally is None:
            return {"schedule": str(schedule)}
        if firing is None:  # it may have got another one since
            return tally.facts(running=0, goes_on=False) | {"schedule": str(schedule)}
        return tally.facts(running=firing.running, goes_on=self._goes_on(firing))

    def running(self) -> int:
        """Returns how many calls run now."""
        firing = self.firing
        return 0 if firing is None else firing.running

    def next_fire(self) -> float | None:
        """Returns the time of day of the next fire, if one is to come."""
        firing = self.firing
        return None if firing is None or not self._goes_on(firing) else firing.tally.next_fire()

    def _goes_on(self, firing: Firing) -> bool:
        life = self.life
        is_running = life is not None and life.state is RUNNING and not life.stop_asked
        return is_running and not firing.is_cut
