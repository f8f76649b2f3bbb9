"""The roll of a group: who of the children is alive, and what they have told.

All of it is plain code that runs to its end, wherever a child calls from; the group acts on it in
its own task, when the news wake it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .slot import ChildState, Slot

if TYPE_CHECKING:
    from .core import Core
    from .stopping import Stopping


class Roll:
    """The children that have begun and not ended, as the group knows them."""

    __slots__ = ("_loop", "_slots", "alive", "ended", "news", "stopping")

    def __init__(self, slots: Mapping[str, Slot], loop: asyncio.AbstractEventLoop) -> None:
        self._slots: Mapping[str, Slot] = slots
        self._loop: asyncio.AbstractEventLoop = loop
        self.alive: int = 0
        """How many have begun and not ended."""
        self.ended: deque[Slot] = deque()
        """Those whose end is known, and nothing has followed from it yet."""
        self.stopping: Stopping | None = None
        """What asks the next child when one has ended, while they stop in order."""
        self.news: asyncio.Event = asyncio.Event()
        """Is set when there is something to look at."""

    def child_ready(self, core: Core) -> None:
        """Is told that a child is ready."""
        self._look_at_slot_of(core)

    def child_ended(self, core: Core) -> None:
        """Is told that a child has its outcome."""
        self._look_at_slot_of(core)

    def _look_at_slot_of(self, core: Core) -> None:
        slot = self._slots.get(core.key)
        if slot is not None and slot.core is core:  # else another incarnation has its place
            self.look_at(slot)

    def adopt(self, slots: Iterable[Slot]) -> None:
        """Takes those in whom somebody else has started."""
        for slot in slots:
            if slot.core.life is not None:
                self.look_at(slot)

    def look_at(self, slot: Slot) -> None:
        """Takes in where a child stands, whoever has brought it there."""
        life = slot.core.life
        if slot.state is ChildState.WAITING and life is not None and life.loop is self._loop:
            self.enter(slot)
        if slot.is_alive and slot.has_ended:
            self.leave(slot)
        elif slot.state is ChildState.STARTING and slot.has_started:
            slot.turn(ChildState.RUNNING)
            self.news.set()

    def enter(self, slot: Slot) -> None:
        """Takes a child in that begins now."""
        slot.turn(ChildState.STARTING)
        self.alive += 1

    def leave(self, slot: Slot) -> None:
        """Strikes a child off that has ended."""
        self.alive -= 1
        self.ended.append(slot)
        slot.turn(ChildState.STOPPED)
        if self.stopping is None or not self.stopping.pass_on_turn(slot, len(self.ended)):
            self.news.set()
