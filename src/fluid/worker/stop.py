"""The deadlines of one stop: cancel, cancel again, give up; and the same for a cleanup.

The stop belongs to the worker: whoever asked for it may be gone. A stop that ends at once, as most
do, never arms a timer: the deadlines are laid out when it has not ended in the step after it began.
"""

from __future__ import annotations

from math import inf, isinf
from typing import TYPE_CHECKING

from .. import events, tasks
from ..errors import CleanupTimeoutError
from .ladder import Ladder, Rung
from .phase import RUN, STARTUP
from .plan import StopPlan, plan_of

if TYPE_CHECKING:
    from .life import Life


class Stop(Ladder):
    """How the end of one life is brought about in bounded time."""

    __slots__ = ("_life", "_plan", "cancels", "cut")

    def __init__(self, life: Life) -> None:
        super().__init__(life.loop)
        self._life: Life = life
        self._plan: StopPlan | None = None
        self.cancels: int = 0
        """Cancels of ours that the current hook has not yet answered for."""
        self.cut: CleanupTimeoutError | None = None
        """Set when the cleanup overran its period and was cancelled for it."""

    # --- the time there is -----------------------------------------------------------------------

    @property
    def plan(self) -> StopPlan:
        """The deadlines, laid out from the moment the stop began."""
        if self._plan is None:
            worker, core = self._life.worker_alive(), self._life.core
            if isinf(self._life.stop_since):  # nobody has asked: only the cleanup is bounded
                return StopPlan(inf, worker.cancel_period, worker.cleanup_period, inf)
            self._plan = core.stop_plan(worker, self._life.stop_since)
        return self._plan

    def arm(self) -> None:
        """Arms the deadlines of what has not ended by itself."""
        life = self._life
        if life.outcome is not None or self.is_armed:
            return
        if life.phase is STARTUP:  # it has nothing to finish: no grace
            self._arm_cancel(self._life.stop_since)
        elif life.phase is RUN:
            self._arm_cancel(self.plan.cancel_at)

    def bound(self) -> None:
        """Arms the deadlines of a stop that nobody has passed on to the worker."""
        life = self._life
        plan = life.core.stop_plan(life.worker_alive(), life.loop.time())
        at = plan.end_by if isinf(plan.cancel_at) else plan.cancel_at
        self.climb((Rung(at, life.core.force),))

    def cut_grace(self) -> None:
        """Takes away what is left of the grace: ``run`` is cancelled now."""
        if self._life.phase is RUN and not self.cancels:
            self._arm_cancel(self._life.loop.time())

    def hurry(self, deadline: float) -> None:
        """Moves what is left of the deadlines so that the last one is at ``deadline``."""
        if deadline >= self.plan.end_by:
            return
        life = self._life
        if life.phase is RUN and not self.is_armed:
            now = life.loop.time()
            self._plan = plan_of(
                life.core.own_periods(life.worker_alive()).within(deadline - now), now
            )
            self._arm_cancel(self.plan.cancel_at)
        else:
            self._plan = self.plan._replace(end_by=deadline)
            super().hurry(deadline)

    def arm_cleanup(self) -> None:
        """Arms the deadlines of ``on_shutdown`` and the exit stack."""
        plan, now = self.plan, self._life.loop.time()
        cut_at = now + min(plan.cleanup_period, max(plan.end_by - now, 0.0))
        rungs = [Rung(cut_at, self._cut)]
        if self._life.outcome is None:
            # The cut gets a moment to work, as far as the whole stop's bound has room for it.
            give_up_at = min(cut_at + plan.cancel_period, max(cut_at, plan.end_by))
            rungs.append(Rung(give_up_at, self._abandon))
        self.climb(rungs)

    # --- what happens when it is up --------------------------------------------------------------

    def _arm_cancel(self, at: float) -> None:
        period = self.plan.cancel_period
        self.climb(
            (
                Rung(at, self._cancel),
                Rung(at + period, self._cancel),
                Rung(at + 2 * period, self._abandon),
            )
        )

    def _cancel(self) -> None:
        life = self._life
        if life.task is None:
            return
        self.cancels += 1
        if life.phase is not STARTUP and (self.cancels > 1 or life.facts.run_error is None):
            stack = tasks.await_stack(life.task)
            life.core.emit(events.WorkerCancelledByForce, life.phase.value, self.cancels, stack)
        tasks.cancel(life.task, f"fluid: worker {life.name!r} has to end now")

    def _cut(self) -> None:
        life = self._life
        assert life.task is not None
        period = self.plan.cleanup_period
        self.cut = CleanupTimeoutError(
            f"worker {life.name!r} was still in {life.phase.value} "
            f"when its cleanup period of {period:g} seconds was over",
            timeout=period,
            stack=tasks.await_stack(life.task),
        )
        self.cancels += 1
        tasks.cancel(life.task, f"fluid: the cleanup period of worker {life.name!r} is over")

    def _abandon(self) -> None:
        self._life.abandon()
