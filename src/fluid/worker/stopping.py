"""The stop of a group's children: who is asked when, and how much time each of them gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from math import isinf
from typing import TYPE_CHECKING

from ..rules.budget import Turns
from .core import Core
from .hooks import is_default
from .slot import ChildState, Slot

if TYPE_CHECKING:
    from .life import Life

MOST_UNSEEN = 64
"""Ends that may be waiting for the group's task before it is woken to look at them."""


class Stopping:
    """One stop, from the moment it begins: of all together, or in order, the last child first.

    A deadline that comes nearer, and force, are passed on in the group's own next step, not down
    the whole tree at once: no tree is too deep for that.
    """

    __slots__ = (
        "_deadline",
        "_in_order",
        "_loop",
        "_news",
        "_slots",
        "_turn",
        "_turns",
        "is_forced",
    )

    def __init__(
        self,
        slots: Iterable[Slot],
        *,
        in_order: bool,
        by: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._slots: list[Slot] = [slot for slot in slots if slot.is_alive]
        self._turn: int = len(self._slots)
        """How many of them have not been asked; the last of those is the next."""
        self._in_order: bool = in_order
        self._loop: asyncio.AbstractEventLoop = loop
        self._deadline: float = by
        self._turns: Turns | None = None
        self.is_forced: bool = False
        self._news: bool = False

    def hurry(self, deadline: float) -> None:
        """Brings the instant by which all have to have ended forward to ``deadline``."""
        if deadline < self._deadline:
            self._deadline, self._turns, self._news = deadline, None, True

    def force(self) -> None:
        """Takes away the grace of those who were asked, and of those who will be."""
        self.is_forced = self._news = True

    def go_on(self) -> None:
        """Asks whoever is to be asked now: everybody, or whose turn it is."""
        if self._news:
            self._news = False
            self._pass_on()
        unarmed: list[Life] = []
        while self._turn and not (self._in_order and self._is_busy()):
            self._turn -= 1
            slot = self._slots[self._turn]
            if slot.is_alive:
                slot.turn(ChildState.STOPPING)
                ask(slot, self._deadline_of(self._turn), unarmed)
                if self.is_forced:
                    slot.core.force()
        if unarmed:
            self._loop.call_soon(_arm, unarmed)

    def pass_on_turn(self, ended: Slot, unseen: int) -> bool:
        """Asks the next child at once, where that is a matter of a few plain calls.

        That saves the group's task a step for each child, a third of what a stop in order costs.

        Args:
            ended: The child that has just ended.
            unseen: How many ends the group's task has not yet looked at.

        Returns:
            Whether it did; if not, the group's task has to look.
        """
        if self._news or not self._turn or self._is_busy():
            return False
        is_awaited = ended.is_awaited or unseen >= MOST_UNSEEN
        if is_awaited or not _is_plain(self._slots[self._turn - 1]):
            return False
        self.go_on()
        return True

    def _is_busy(self) -> bool:
        """Returns whether the one that was asked last has not ended."""
        return self._turn < len(self._slots) and self._slots[self._turn].is_alive

    def _pass_on(self) -> None:
        for turn in reversed(range(self._turn, len(self._slots))):
            slot = self._slots[turn]
            if slot.is_alive:
                deadline = self._deadline_of(turn)
                if not isinf(deadline):
                    set_deadline(slot.core, deadline)
                if self.is_forced:
                    slot.core.force()

    def _deadline_of(self, turn: int) -> float:
        if isinf(self._deadline) or not self._in_order:
            return self._deadline
        now = self._loop.time()
        left = self._deadline - now
        if self._turns is None:
            bounds = (slot.core.bound(slot.child) for slot in self._slots)
            self._turns = Turns(bounds, left)
        return min(now + self._turns.share(turn, left), self._deadline)


def _is_plain(slot: Slot) -> bool:
    """Returns whether a child can be asked to stop without any code of the user's."""
    return slot.is_alive and slot.starter is None and is_default(slot.child.gracefully_stop)


def _arm(lives: list[Life]) -> None:
    for life in lives:
        life.arm_stop()


def ask(slot: Slot, deadline: float, unarmed: list[Life] | None = None) -> None:
    """Asks a child to stop, and makes sure that it keeps its bound if it does not listen.

    Args:
        slot: The child's place.
        deadline: When it has to have ended; infinity for when it likes, within its own bound.
        unarmed: As for :meth:`~.life.Life.begin_stop`.
    """
    core, life = slot.core, slot.core.life
    if not isinf(deadline):
        set_deadline(core, deadline)
    if life is not None and is_default(slot.child.gracefully_stop):
        life.ask_to_stop()
        life.begin_stop(unarmed)  # at once: we are in the loop, and there are thousands of them
    else:
        _ask_override(slot)
    if slot.starter is not None:
        slot.starter.end(deadline)


def _ask_override(slot: Slot) -> None:
    try:
        slot.child.gracefully_stop()
    except BaseException as error:  # not even SystemExit keeps the others from being asked
        slot.note("gracefully_stop", error)
        slot.core.ask_to_stop()
    if slot.core.life is not None:
        slot.core.life.bound_stop()


def set_deadline(core: Core, deadline: float) -> None:
    """Sets the instant by which a child has to have ended, whether its stop has begun or not."""
    core.deadline = deadline
    core.hurry(deadline)
