"""The private side of a periodic worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ... import events, tasks
from ..core import Core
from ..life import Life
from ..stragglers import Stragglers

if TYPE_CHECKING:
    from ..base import Worker
    from .firing import Firing


class PeriodicCore(Core):
    """Who fires, through all lives; what one of them does is in ``firing.py``."""

    __slots__ = ("firing", "stragglers")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.firing: Firing | None = None
        """The present life's, or the last one's."""
        self.stragglers: Stragglers = Stragglers()

    def life_begun(self, life: Life) -> None:
        """Begins anew with the counts."""
        super().life_begun(life)
        self.firing = None
        self.stragglers = Stragglers()

    def run_ended(self, error: BaseException | None) -> None:
        """Notes it if fires have refused to end."""
        super().run_ended(error)
        if self.life is not None and self.stragglers.are_left:
            self.life.facts.abandoned = True

    def left_alone(self, fire: asyncio.Task[Any]) -> None:
        """Notes that a fire refuses to end, and that nobody waits for it any more."""
        self.stragglers.add(fire)
        self.emit(events.HandlerAbandoned, tasks.await_stack(fire))
