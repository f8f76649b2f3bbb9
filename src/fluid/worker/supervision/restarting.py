"""A restart on its way: who has to stop first, when it may begin, who is started in which order.

With one_for_one each child that is down has one of its own, so that none waits for another; with
the other strategies a supervisor has one at a time, into which whatever happens meanwhile is
merged. It is a plain state machine that its engine's task pushes on; nothing in it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..slot import RUNNING
from .slot import Goal, SupervisedSlot

if TYPE_CHECKING:
    from .engine import SupervisorEngine


class Restarting:
    """Brings some children up: stops those that run, last first, waits, starts them in order."""

    __slots__ = ("_at", "_engine", "_timer", "coming_up", "going_down", "is_due")

    def __init__(self, engine: SupervisorEngine) -> None:
        self._engine: SupervisorEngine = engine
        self._at: float = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.going_down: list[SupervisedSlot] = []
        """Those that have to end before anything starts; the last of them goes first."""
        self.coming_up: list[SupervisedSlot] = []
        """Those that have to start, the first of them last."""
        self.is_due: bool = False
        """Whether the engine will look at it."""

    # --- what is added, and what is taken away ---------------------------------------------------

    def take_in(self, slots: Iterable[SupervisedSlot], at: float) -> None:
        """Adds children, not to be started before the instant ``at``."""
        going_down = {slot.number: slot for slot in self.going_down}
        coming_up = {slot.number: slot for slot in self.coming_up}
        for slot in slots:
            slot.restarting = self
            if slot.is_alive:
                going_down[slot.number] = slot
            if slot.goal is Goal.UP:
                coming_up[slot.number] = slot
        self.going_down = [going_down[number] for number in sorted(going_down)]
        self.coming_up = [coming_up[number] for number in sorted(coming_up, reverse=True)]
        self.set_time(max(at, self._at))

    def leave(self, slot: SupervisedSlot) -> None:
        """Takes a child out of those that are going to be started."""
        if slot in self.coming_up:
            self.coming_up.remove(slot)
        if slot not in self.going_down:
            slot.restarting = None
        self.look()

    def set_time(self, at: float) -> None:
        """Sets the instant before which nobody starts."""
        self._at = at
        for slot in self.coming_up:
            slot.not_before = at
        self._disarm()
        self.look()

    def end(self) -> None:
        """Lets go of everybody."""
        self._disarm()
        for slot in (*self.going_down, *self.coming_up):
            slot.restarting = None
        self.going_down, self.coming_up = [], []

    # --- what it does ----------------------------------------------------------------------------

    def look(self) -> None:
        """Asks the engine for a look at it."""
        if not self.is_due:
            self.is_due = True
            self._engine.due(self)

    def go_on(self) -> bool:
        """Does what can be done now; returns whether nothing is left to do."""
        self._let_down()
        if self.going_down:
            return False
        if self.coming_up and self._engine.now() < self._at:
            if self._timer is None:
                self._timer = self._engine.call_at(self._at, self._time_has_come)
            return False
        self._disarm()
        return self._bring_up()

    def _time_has_come(self) -> None:
        # Taken from the timer, not from the clock: a loop calls up to its clock's resolution early.
        self._at = self._engine.now()
        self.look()

    def _let_down(self) -> None:
        """Stops whoever has to stop, one after the other."""
        while self.going_down:
            slot = self.going_down[-1]
            if slot.is_alive:
                self._engine.ask(slot)
                return
            if slot.is_news:  # what follows from its end comes first
                return
            self.going_down.pop()
            if slot not in self.coming_up:
                slot.restarting = None

    def _bring_up(self) -> bool:
        while self.coming_up:
            slot = self.coming_up[-1]
            if slot.state is RUNNING:
                self.coming_up.pop()
                slot.restarting = None
            elif slot.is_alive or slot.is_news:
                return False
            elif not self._engine.may_start_another():
                self.look()
                return False
            else:
                self._engine.start_again(slot)
        return True

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
