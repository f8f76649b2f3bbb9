"""A supervised child's place: who is in it now, what it is there for, and what has been."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import inf, isinf
from typing import TYPE_CHECKING, Any

from ...rules.restart import End, Restart
from ...texts import error_text
from ..slot import RESTARTING, RUNNING, STOPPED, ChildState, Slot
from ..waits import Waiters
from ..watchdog import Watchdog

if TYPE_CHECKING:
    from ..base import Worker
    from .restarting import Restarting
    from .spec import ChildSpec


class Goal(Enum):
    """What a supervisor wants of a place."""

    UP = "up"
    """That its worker runs, as far as its restart policy goes."""
    DOWN = "down"
    """That its worker is stopped and the place stays."""
    GONE = "gone"
    """That its worker is stopped and the place goes."""


class SupervisedSlot(Slot):
    """One child of a supervisor, over all its incarnations."""

    __slots__ = (
        "asked",
        "down",
        "fall_back",
        "goal",
        "has_been_up",
        "is_news",
        "last_error",
        "left_behind",
        "lost_at",
        "make",
        "making_error",
        "not_before",
        "number",
        "restarting",
        "restarts",
        "spec",
        "streak",
        "up",
        "up_since",
    )

    def __init__(
        self, child: Worker, spec: ChildSpec, make: Callable[[Worker], Worker] | None, number: int
    ) -> None:
        super().__init__(child)
        self.spec: ChildSpec = spec
        self.make: Callable[[Worker], Worker] | None = make
        """What makes the next incarnation, where that is another instance."""
        self.number: int = number
        """Its place in the order of addition."""
        self.goal: Goal = Goal.UP
        self.fall_back: Goal | None = None
        """What becomes of the place if the start that is under way fails, where that is special."""
        self.has_been_up: bool = False
        """Whether any incarnation has ever been ready."""
        self.asked: bool = False
        """Whether the supervisor has asked the present incarnation to stop."""
        self.is_news: bool = False
        """Whether the present incarnation has ended, and nothing has followed from it yet."""
        self.left_behind: bool = False
        """Whether its own ``startup()`` refused to end."""
        self.making_error: BaseException | None = None
        """What its factory raised in place of making the present incarnation."""
        self.streak: int = 0
        """How many times in a row it has ended without a stable run."""
        self.restarts: int = 0
        """How many times it was started again."""
        self.lost_at: float | None = None
        """The time of day at which the incarnation before the present one ended."""
        self.up_since: float | None = None
        """When the present incarnation was ready."""
        self.not_before: float = 0.0
        """When its next incarnation may start, while it waits for that."""
        self.restarting: Restarting | None = None
        """What brings it up again, while something does."""
        self.last_error: str = ""
        """Why it ended the last time that it did not end well, in one line."""
        self.up: Waiters[BaseException | None] | None = None
        """Those who wait for its start to succeed or to fail."""
        self.down: Waiters[None] | None = None
        """Those who wait for its end to be dealt with."""

    # --- what happens to it ----------------------------------------------------------------------

    def turn(self, state: ChildState) -> None:
        """Notes a new state, and lets those know who wait for it."""
        self.state = state
        if state is RUNNING:
            self._be_up()
        elif state is STOPPED:
            self.is_news = True
        if self.restarting is not None:
            self.restarting.look()

    def _be_up(self) -> None:
        life = self.core.life
        assert life is not None
        self.up_since = life.loop.time()
        self.has_been_up = True
        self.fall_back = None
        goes_on = isinf(life.ran_until) and not life.stop_asked  # it may have ended by now
        if self.spec.heartbeat_timeout is not None and goes_on:
            life.watchdog = Watchdog(life, self.spec.heartbeat_timeout)
        if self.up is not None:
            self.tell_up(None)

    def begin_anew(self) -> None:
        """Forgets the last incarnation: the next is going to be started."""
        super().begin_anew()
        self.asked = self.is_news = self.left_behind = False
        self.making_error = self.up_since = None

    def note_loss(self) -> None:
        """Notes when an incarnation has ended that another one will follow."""
        life = self.core.life
        if life is not None:
            self.lost_at = life.ended_wall

    def tell_up(self, error: BaseException | None) -> None:
        """Tells who waits for its start how that went."""
        up, self.up = self.up, None
        if up is not None:
            up.wake(error)

    def tell_down(self) -> None:
        """Tells who waits for its end that everything has followed from it."""
        down, self.down = self.down, None
        if down is not None:
            down.wake(None)

    # --- what is known of it ---------------------------------------------------------------------

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what follows from its start or its end."""
        return self.up is not None or self.down is not None

    @property
    def is_temporary(self) -> bool:
        """Whether its place goes when its worker has ended."""
        return self.spec.restart is Restart.TEMPORARY

    def was_ready(self) -> bool:
        """Returns whether the present incarnation has been ready."""
        life = self.core.life
        if self.up_since is not None:
            return True
        return self.making_error is None and bool(life and life.ready) and not self.troubles

    def was_told_to_stop(self) -> bool:
        """Returns whether the present incarnation has not ended by itself."""
        life = self.core.life
        return life is None or not life.left_by_itself or bool(self.troubles)

    def end(self) -> End:
        """Returns how the present incarnation has ended."""
        life = self.core.life
        if self.left_behind or self.core.has_left_behind():
            return End.ABANDONED
        was_in_vain = not self.was_ready() and not (life is not None and life.stop_asked)
        return End.FAILED if was_in_vain or self.errors() else End.WELL

    def errors(self) -> tuple[BaseException, ...]:
        """Returns what the present incarnation failed with; first what made it end."""
        return super().errors() if self.making_error is None else (self.making_error,)

    def cause(self) -> str:
        """Returns why the present incarnation has ended, in one line."""
        life = self.core.life
        if self.making_error is not None:
            return f"could not be made ({error_text(self.making_error)})"
        if errors := self.errors():
            return f"failed ({error_text(errors[0])})"
        if not self.was_ready():
            return "ended before it was ready"
        return f"ended ({life.outcome.reason})" if life and life.outcome else "ended"

    def uptime(self, now: float) -> float | None:
        """Returns for how long the present incarnation has been ready; None if it never was."""
        life = self.core.life
        if self.making_error is not None or life is None or not self.was_ready():
            return None
        since = life.began if self.up_since is None else self.up_since
        return max(min(now, life.ran_until) - since, 0.0)

    def lost_since(self) -> float:
        """Returns from when on the present incarnation, which has ended, did not run any more.

        That is when it began to stop, or, where it has never been ready, when it began.
        """
        life = self.core.life
        if self.making_error is not None or life is None:
            return inf
        return life.ran_until if self.was_ready() else life.began

    def restart_in(self, now: float) -> float | None:
        """Returns the seconds until it may be started again; None unless it waits for that."""
        waits = self.state is RESTARTING and self.restarting is not None
        return max(self.not_before - now, 0.0) if waits else None

    def facts(self, now: float) -> dict[str, Any]:
        """Returns what the supervisor knows of it, as JSON-able data."""
        return {
            "state": self.state.value,
            "restart": self.spec.restart.value,
            "restarts": self.restarts,
            "restart_in": self.restart_in(now),
            "last_error": self.last_error or None,
        }
