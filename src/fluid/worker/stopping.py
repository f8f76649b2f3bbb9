"""The stop of a group's children: who is asked when, and how much time each of them gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from math import inf

from .. import events
from ..rules.budget import Turns
from .slot import ChildState, Slot


class Stopping:
    """One stop, from the moment it begins: together, or in order, the last child first.

    A deadline, a nearer one, or force may come at any time. They are passed on in the group's own
    next step and not down the whole tree at once, so that no depth of nesting is too deep.
    """

    __slots__ = ("_deadline", "_forced", "_hurried", "_in_order", "_left", "_loop", "_turns")

    def __init__(
        self, slots: Iterable[Slot], *, in_order: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._left: list[Slot] = [slot for slot in slots if slot.is_alive]
        self._in_order: bool = in_order
        self._loop: asyncio.AbstractEventLoop = loop
        self._deadline: float | None = None
        self._turns: Turns | None = None
        self._forced: bool = False
        self._hurried: list[Slot] = []

    def by(self, deadline: float) -> None:
        """Sets the instant by which all have to have ended, or brings it forward."""

    def force(self) -> None:
        """Takes away the grace of those who were asked, and of those who will be."""

    def go_on(self) -> None:
        """Asks whoever is to be asked now: everybody, or the last one that was started."""
