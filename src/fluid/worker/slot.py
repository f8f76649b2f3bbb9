"""A child's place in a group, and what the group knows about it."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Worker
    from .core import Core


class ChildState(StrEnum):
    """What a group knows about a slot; not the same as its worker's own state."""

    WAITING = "waiting"
    """Its turn to start has not come."""
    STARTING = "starting"
    """It is starting and not ready yet."""
    RUNNING = "running"
    """It is ready."""
    STOPPING = "stopping"
    """It was asked to stop."""
    STOPPED = "stopped"
    """It has ended, or was never started."""


ALIVE = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.STOPPING})


class Slot:
    """One child in one group."""

    __slots__ = ("child", "starter", "state")

    def __init__(self, child: Worker) -> None:
        self.child = child
        self.state = ChildState.WAITING
        self.starter: asyncio.Task[None] | None = None
        """The task that runs the child's own ``startup()``, where it has one of its own."""

    @property
    def core(self) -> Core:
        """The child's core."""
        return self.child._worker

    @property
    def has_ended(self) -> bool:
        """Whether nothing of the child is left running."""
        life = self.core.life
        over = life is None or life.outcome is not None
        return over and (self.starter is None or self.starter.done())
