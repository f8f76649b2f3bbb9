"""A child's place in a group, and what the group knows about it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from .. import events

if TYPE_CHECKING:
    from .base import Worker
    from .core import Core
    from .starter import Starter


class ChildState(StrEnum):
    """What a group knows about a slot; not the same as its worker's own state."""

    WAITING = "waiting"
    """Its turn to start has not come; in a group that has stopped, it never will."""
    STARTING = "starting"
    """It is starting and not ready yet."""
    RUNNING = "running"
    """It is ready."""
    STOPPING = "stopping"
    """The group has asked it to stop."""
    STOPPED = "stopped"
    """It has ended."""
    RESTARTING = "restarting"
    """It has ended and will be started again: when its back-off is over, or after others."""
    GIVEN_UP = "given_up"
    """It has ended, and for its sake the supervisor gave up."""


WAITING, STARTING, RUNNING, STOPPING, STOPPED, RESTARTING, GIVEN_UP = ChildState
"""The members by name: on Python 3.11, ``ChildState.WAITING`` costs four times a plain name."""


class Slot:
    """One child in one group."""

    __slots__ = ("child", "core", "starter", "state", "troubles")

    def __init__(self, child: Worker) -> None:
        self.child: Worker = child
        self.core: Core = child._worker
        self.state: ChildState = ChildState.WAITING
        self.starter: Starter | None = None
        """What runs the child's own ``startup()``, where it has one of its own."""
        self.troubles: tuple[BaseException, ...] = ()
        """What went wrong in starting and stopping it, and is not in its own outcome."""

    def turn(self, state: ChildState) -> None:
        """Notes a new state."""
        self.state = state

    @property
    def is_alive(self) -> bool:
        """Whether the group has yet to see its end."""
        # Written out: an enum's hash is a call of its own, and this is asked for every child.
        state = self.state
        return state is RUNNING or state is STOPPING or state is STARTING

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what follows from its end."""
        return False

    @property
    def has_ended(self) -> bool:
        """Whether nothing of the child is left running."""
        life = self.core.life
        over = life is None or life.outcome is not None
        return over and (self.starter is None or self.starter.is_over)

    @property
    def has_started(self) -> bool:
        """Whether the child has become ready, and its ``startup()`` has returned well."""
        life = self.core.life
        returned = self.starter is None or self.starter.is_over
        return life is not None and life.ready and returned and not self.troubles

    @property
    def origin(self) -> str:
        """The path of the worker whose error this child's is: its own, or of one below it."""
        life = self.core.life
        return (life is not None and life.origin) or self.core.path

    def begin_anew(self) -> None:
        """Forgets what has been: the child is going to be started."""
        self.state = ChildState.WAITING
        self.starter = None
        self.troubles = ()

    def note(self, where: str, error: BaseException) -> None:
        """Reports an error, and keeps it until the child's end is accounted for."""
        self.core.emit(events.SecondaryError, where, error)
        self.troubles += (error,)

    def errors(self) -> tuple[BaseException, ...]:
        """Returns what the child failed with: first what ended its life, then its troubles."""
        life = self.core.life
        error = None if life is None or life.outcome is None else life.outcome.exception
        return self.troubles if error is None else (error, *self.troubles)
