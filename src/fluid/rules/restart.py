"""What follows from a child's end: who is restarted, who is dropped, who goes down with it.

The words are OTP's. Every decision is one look-up in :data:`DECISIONS` or one arm of a ``match``;
how a restart is carried out, and when, is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import TypeVar

T = TypeVar("T")


class Restart(StrEnum):
    """When a child is started again."""

    PERMANENT = "permanent"
    """Always, however it ended."""
    TRANSIENT = "transient"
    """When it failed; a child that ended well keeps its place, and stays down."""
    TEMPORARY = "temporary"
    """Never; its place goes with it."""


class Strategy(StrEnum):
    """Who else is restarted with a child that ended."""

    ONE_FOR_ONE = "one_for_one"
    """Nobody."""
    ONE_FOR_ALL = "one_for_all"
    """Everybody."""
    REST_FOR_ONE = "rest_for_one"
    """Those that were added after it."""


class AutoShutdown(StrEnum):
    """Whether a supervisor ends when significant children have ended by themselves."""

    NEVER = "never"
    """No."""
    ANY_SIGNIFICANT = "any_significant"
    """When the first of them has."""
    ALL_SIGNIFICANT = "all_significant"
    """When the last of them has."""


class End(Enum):
    """How a child has ended, as far as a restart is concerned."""

    WELL = "ended"
    """STOPPED, or FORCE_STOPPED: somebody had asked it to stop, or it was done."""
    FAILED = "failed"
    """An exception, a cancel by somebody else, a lost heartbeat, a start in vain."""
    ABANDONED = "was abandoned"
    """Its task, or one below it, still runs: nobody may take its place."""


class Decision(Enum):
    """What becomes of a child that has ended."""

    RESTART = "restart"
    """It is started again."""
    KEEP = "keep"
    """Its place stays, and is empty."""
    DROP = "drop"
    """Its place goes."""
    GIVE_UP = "give up"
    """The supervisor ends."""


DECISIONS: dict[tuple[End, Restart], Decision] = {
    (End.WELL, Restart.PERMANENT): Decision.RESTART,
    (End.WELL, Restart.TRANSIENT): Decision.KEEP,
    (End.WELL, Restart.TEMPORARY): Decision.DROP,
    (End.FAILED, Restart.PERMANENT): Decision.RESTART,
    (End.FAILED, Restart.TRANSIENT): Decision.RESTART,
    (End.FAILED, Restart.TEMPORARY): Decision.DROP,
    (End.ABANDONED, Restart.PERMANENT): Decision.GIVE_UP,
    (End.ABANDONED, Restart.TRANSIENT): Decision.GIVE_UP,
    (End.ABANDONED, Restart.TEMPORARY): Decision.GIVE_UP,
}
"""What follows from each kind of end; a test walks every cell."""


def affected(strategy: Strategy, order: Sequence[T], ended: T) -> Sequence[T]:
    """Returns those who are brought up again together with ``ended``, in order, itself included."""
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return (ended,)
        case Strategy.ONE_FOR_ALL:
            return order
        case Strategy.REST_FOR_ONE:
            return order[order.index(ended) :]


def ends_with(auto_shutdown: AutoShutdown, *, is_last: bool) -> bool:
    """Returns whether a supervisor ends, now that a significant child has ended by itself.

    Args:
        auto_shutdown: Its rule.
        is_last: Whether no other significant child runs, or will be back.
    """
    match auto_shutdown:
        case AutoShutdown.NEVER:
            return False
        case AutoShutdown.ANY_SIGNIFICANT:
            return True
        case AutoShutdown.ALL_SIGNIFICANT:
            return is_last
