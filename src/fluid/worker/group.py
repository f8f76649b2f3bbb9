"""Groups: workers that run together, and end together."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterator
from math import inf, isinf
from typing import Any

from .. import events
from ..errors import FluidValueError, GroupClosedError
from ..rules import names
from ..rules.budget import Periods
from ..rules.lifecycle import FINAL_STATES, WorkerState
from ..settings import duration
from .base import Worker
from .core import Core, core_of
from .engine import Engine
from .exit import error_as_dict
from .hooks import default, is_default
from .plan import StopPlan, plan_of

STATUS_TIMEOUT = 1.0
"""Seconds that a group waits for the ``status()`` of one child."""


class GroupCore(Core):
    """The private side of a group: its engine, and the time that its children need."""

    __slots__ = ("engine",)

    engine: Engine

    def checked_grace(self, grace: float | None) -> float | None:
        """Returns the grace that was given; without one, what the children need is the limit."""
        return None if grace is None else super().checked_grace(grace)

    def is_ready(self) -> bool:
        """Returns whether the group and every child are ready."""
        return super().is_ready() and self.engine.all_ready()

    def child_ready(self, child: Core) -> None:
        """Lets the engine go on to the next child."""
        self.engine.child_changed(child)
        if self.readied.are_waiting and self.is_ready():
            self.readied.wake(None)

    def child_ended(self, child: Core) -> None:
        """Lets the engine decide what follows."""
        self.engine.child_changed(child)

    # --- time ------------------------------------------------------------------------------------

    def own_periods(self, worker: Worker) -> Periods:
        """Returns the time for the children, then that for the group's own code, if it has any.

        That code gets one ``cancel_period`` after the last child has ended before it is cancelled.
        """
        children = self._children_bound()
        if not self._has_own_code(worker):
            return Periods(children, 0.0, 0.0)
        return Periods(children + worker.cancel_period, worker.cancel_period, worker.cleanup_period)

    def _children_bound(self) -> float:
        needed = self.engine.bound()
        return needed if self.grace is None else min(needed, self.grace)

    def _has_own_code(self, worker: Worker) -> bool:
        """Returns whether anything but children can take time in this group."""
        has_stack = self.life is not None and self.life.exit_stack is not None
        hooks = (worker.run, worker.on_startup, worker.on_shutdown)
        return has_stack or not all(is_default(hook) for hook in hooks)

    def stop_plan(self, worker: Worker, now: float) -> StopPlan:
        """Lays out the stop, and gives the children their deadline where there is one."""
        allowed = self.allowed(self.own_periods(worker), now)
        if self.grace is not None or self.deadline is not None:
            self.engine.stop_by(now + max(allowed.grace - allowed.cancel, 0.0))
        plan = plan_of(allowed, now)
        if self._has_own_code(worker):
            return plan
        # Nothing but the engine runs here, and it ends when the children have: no cancel is due.
        return plan._replace(cancel_at=inf, cancel_period=worker.cancel_period)

    def stop_begun(self) -> None:
        """Passes the stop on to the children, with their deadline where there is one."""
        assert self.life is not None and self.life.stop is not None
        assert self.life.stop.plan
        self.engine.wake()

    def force(self) -> None:
        """Forces the children; the group ends with them."""
        if self.life is not None:
            self.life.ask_to_stop()
            self.life.begin_stop()
            self.engine.force()

    def hurry(self, deadline: float) -> None:
        """Passes a nearer deadline on to the children; the group's own code gets its share."""
        life = self.life
        if life is None or life.worker is None or life.outcome is not None:
            return
        now = life.loop.time()
        periods = self.own_periods(life.worker).within(deadline - now)
        if life.stop is not None and self._has_own_code(life.worker):
            life.stop.hurry(deadline)
        self.engine.hurry(now + max(periods.grace - periods.cancel, 0.0))

    def warn_of_shrinking(self) -> None:
        """Says, once at start, that the children may need longer than the group was given."""
        if self.grace is None:
            return
        needed = self.engine.bound()
        if needed > self.grace and not isinf(needed):
            self.emit(events.BudgetShrunk, needed, self.grace)


class Workers(Worker):
    """A group: starts its workers in order, and stops them all when one of them ends.

    Each is ready before the next is started. If one fails to start, those that were started are
    stopped again and ``startup()`` raises its error. The group raises the error that ended it;
    what failed afterwards is in the ``errors`` of its record.

    ::

        import asyncio

        from fluid.utils.worker import WorkerFunction, Workers


        async def poll() -> None:
            print("polling")


        async def main() -> None:
            async with Workers(WorkerFunction(poll, heartbeat=10, name="poller")):
                await asyncio.sleep(0.1)


        asyncio.run(main())

    Args:
        *workers: The children; more can be added while it runs.
        name: As for every worker.
        stopping_grace_period: Seconds that all children together have to stop; their own periods
            shrink to fit. None: what they need, and no limit of the group's own.
        heartbeat: Accepted for compatibility; nothing polls.
        stop_in_reverse: If True, a child is asked to stop only when the one started after it has
            ended, so that a pipeline is declared sink first. Otherwise all are asked at once.
    """

    announces_readiness = True
    _worker_core_type = GroupCore
    _worker: GroupCore

    def __init__(
        self,
        *workers: Worker,
        name: str = "",
        stopping_grace_period: float | None = None,
        heartbeat: float = 0.1,
        stop_in_reverse: bool = False,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        duration(f"heartbeat of group {self._worker.name!r}", heartbeat)
        self._worker.engine = Engine(stop_in_reverse=stop_in_reverse)
        _admit(self._worker, workers)

    def add_workers(self, *workers: Worker) -> None:
        """Adds children, also while the group runs; one that is in it already is left alone.

        In a group that runs they are started in their turn; one that runs already is adopted, and
        stopped with the group. An error of one that fails to start ends the group. To be called in
        the group's event loop.

        Raises:
            GroupClosedError: If the group is stopping or has ended.
            FluidValueError: If one of them cannot be a child: it is in another group, has ended,
                or lives on another event loop. Then none of them is added.
        """
        _admit(self._worker, workers)

    @property
    def num_workers(self) -> int:
        """The number of children."""
        return len(self._worker.engine.slots)

    def workers(self) -> Iterator[Worker]:
        """Yields the children, in the order in which they were added."""
        for slot in list(self._worker.engine.slots.values()):
            yield slot.child

    async def status(self) -> dict[str, Any]:
        """Returns the ``status()`` of each child under its slot key.

        A child whose own ``status()`` fails, or takes longer than a second, has ``error`` instead.
        """
        return {child._worker.key: await _status_of(child) for child in self.workers()}

    @default
    async def run(self) -> None:
        """Runs the children until the last of them has ended."""
        core = self._worker
        core.warn_of_shrinking()
        assert core.life is not None
        await core.engine.run(core.life)


def _admit(group: GroupCore, workers: tuple[Worker, ...]) -> None:
    """Adds ``workers`` to ``group``: all of them, or none and an error."""
    new = {core: worker for worker in workers if (core := core_of(worker)) not in group.engine.slots}
    if new and group.state not in (WorkerState.INIT, WorkerState.RUNNING):
        raise GroupClosedError(
            f"group {group.name!r} cannot take {', '.join(repr(core.name) for core in new)}: "
            f"it is {group.state.value}"
        )
    for core in new:
        _check_fit(group, core)
    for core, worker in new.items():
        core.key = names.unique_key(core.name, group.engine.keys)
        core.parent_ref = weakref.ref(group)
        group.engine.add(worker)


def _check_fit(group: GroupCore, core: Core) -> None:
    parent, life = core.parent(), group.life or core.life
    if parent is not None:
        problem = f"it is in group {parent.name!r} already"
    elif any(ancestor is core for ancestor in group.ancestry()):
        problem = "a group cannot be below itself"
    elif core.state is WorkerState.STOPPING or core.state in FINAL_STATES:
        problem = f"it is {core.state.value}; a worker has one life, make a new one"
    elif core.life is not None and life is not None and core.life.loop is not life.loop:
        problem = "it lives on another event loop"
    else:
        return
    raise FluidValueError(f"worker {core.name!r} cannot join group {group.name!r}: {problem}")


async def _status_of(child: Worker) -> dict[str, Any]:
    try:
        async with asyncio.timeout(STATUS_TIMEOUT):
            return await child.status()
    except Exception as error:
        return {"error": error_as_dict(error)}
