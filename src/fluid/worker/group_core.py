"""The private side of a group: when it is ready, what it passes on, and the time its stop takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from math import inf
from typing import TYPE_CHECKING

from .. import events
from ..rules import budget
from ..rules.budget import Periods
from ..rules.names import SlotKeys
from .core import Core
from .hooks import is_default
from .plan import StopPlan, plan_of
from .slot import ChildState, Slot

if TYPE_CHECKING:
    from .base import Worker
    from .engine import Engine
    from .life import Life


class GroupCore(Core):
    """What a group has beside what every worker has: an engine, and the time of its children."""

    __slots__ = ("engine", "keys", "slots", "stop_in_reverse")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.slots: dict[str, Slot] = {}
        """The children by slot key, in the order in which they were added."""
        self.keys: SlotKeys = SlotKeys()
        self.stop_in_reverse: bool = False
        self.engine: Engine | None = None
        """What runs the children, as long as it does."""

    def new_engine(self, life: Life) -> Engine:
        """Returns what will run the children."""
        from .engine import Engine  # here, because a program without groups need not load it

        return Engine(self, life)

    def checked_grace(self, grace: float | None) -> float | None:
        """Returns the grace that was given; without one, what the children need is the limit."""
        return None if grace is None else super().checked_grace(grace)

    # --- what it is ------------------------------------------------------------------------------

    def cores(self) -> Iterator[Core]:
        """Yields the cores of the children."""
        return (slot.core for slot in list(self.slots.values()))  # at once: see Health

    def is_closed(self) -> bool:
        """Returns whether nobody can begin here any more: a child's end is enough for that."""
        engine = self.engine
        return super().is_closed() or (engine is not None and bool(engine.roll.ended))

    def is_ready(self) -> bool:
        """Returns whether the group and everybody below it are ready."""
        needed: deque[Core] = deque([self])
        while needed:
            core = needed.popleft()
            if not isinstance(core, GroupCore):
                if not core.is_ready():
                    return False
            elif Core.is_ready(core) and core.has_started_all():
                needed.extend(core.needed())
            else:
                return False
        return True

    def has_started_all(self) -> bool:
        """Returns whether no child waits for its turn to start."""
        engine = self.engine  # once, for it may go while another thread asks
        return engine is None or engine.line.is_done

    def needed(self) -> Iterator[Core]:
        """Yields the children without which this group is not ready."""
        return self.cores()

    def has_left_behind(self) -> bool:
        """Returns whether anybody in the tree below refused to end."""
        return super().has_left_behind() or any(
            Core.has_left_behind(core) for group in _groups_from(self) for core in group.cores()
        )

    # --- what children and the group's own life tell ---------------------------------------------

    def child_ready(self, child: Core) -> None:
        """Lets the engine go on to the next child."""
        if self.engine is not None:
            self.engine.roll.child_ready(child)

    def child_ended(self, child: Core) -> None:
        """Lets the engine decide what follows."""
        if self.engine is not None:
            self.engine.roll.child_ended(child)

    def stop_begun(self) -> None:
        """Passes the stop on to the children."""
        if self.engine is not None:
            self.engine.stop_begun()

    def waits_at(self) -> tuple[str, ...]:
        """Returns which child it is waiting for, while it starts, and where that one waits."""
        for slot in self.slots.values():
            if slot.state is ChildState.STARTING:
                return (f"worker {slot.core.path}, which is starting", *slot.core.waits_at())
        return super().waits_at()

    def all_started(self) -> None:
        """Is told that all children are ready: for the first time, or after some were added."""
        assert self.life is not None
        if not self.life.ready:
            self.life.become_ready()
            return
        for core in self.ancestry():
            if core.readied.are_waiting and core.is_ready():
                core.readied.wake(None)

    def life_ended(self, life: Life) -> None:
        """Leaves nobody behind, and tells the group that this one is in.

        Somebody may be alive whom others had started, if the group never came to run its children.
        """
        from .stopping import ask  # by now the engine has loaded it, if this group ever ran

        for slot in self.slots.values():
            core = slot.core
            if core.life is None:
                core.never_started()
            elif core.life.outcome is None and core.life.loop is life.loop:
                ask(slot, inf)
        super().life_ended(life)

    def never_started(self) -> None:
        """Tells the children, whose turn will not come either."""
        super().never_started()
        for slot in self.slots.values():
            slot.core.never_started()

    def reborn(self) -> None:
        """Puts the whole tree below back to INIT, too."""
        Core.reborn(self)
        groups = deque([self])
        while groups:
            group = groups.popleft()
            group.engine = None
            groups.extend(core for core in group.children_reborn() if isinstance(core, GroupCore))

    def children_reborn(self) -> Iterable[Core]:
        """Puts the children back to INIT, without those below them, and returns them."""
        for slot in self.slots.values():
            Core.reborn(slot.core)
            slot.begin_anew()
        return self.cores()

    # --- time ------------------------------------------------------------------------------------

    def own_periods(self, worker: Worker) -> Periods:
        """Returns the time for the children, then that for the group's own code, if it has any.

        That code gets one ``cancel_period`` after the last child has ended before it is cancelled.
        """
        return self._periods(worker, _needed_below(self))

    def _periods(self, worker: Worker, needed: float) -> Periods:
        children = needed if self.grace is None else min(needed, self.grace)
        if not self._has_own_code(worker):
            return Periods(children, 0.0, 0.0)
        return Periods(children + worker.cancel_period, worker.cancel_period, worker.cleanup_period)

    def children_by(self) -> float:
        """Returns the instant by which the children have to have ended; infinity if none is set."""
        life = self.life
        assert life is not None
        assert life.worker is not None
        now = life.loop.time()
        by = inf if self.grace is None else now + self.grace
        if self.deadline is None:
            return by
        if not self._has_own_code(life.worker):
            return min(by, self.deadline)
        periods = self.own_periods(life.worker).within(self.deadline - now)
        own_code = 3 * periods.cancel + periods.cleanup
        return min(by, max(self.deadline - own_code, now))

    def stop_plan(self, worker: Worker, now: float) -> StopPlan:
        """Lays out deadlines for the group's own code; without any, it ends with its children."""
        if self._has_own_code(worker):
            return plan_of(self.allowed(self.own_periods(worker), now), now)
        end_by = inf
        asked = self.life is not None and self.life.stop_begun
        if not asked or self.wants(events.WorkerStopping):  # else nobody would read it
            end_by = now + self.allowed(self.own_periods(worker), now).bound
        return StopPlan(inf, worker.cancel_period, worker.cleanup_period, end_by)

    def _has_own_code(self, worker: Worker) -> bool:
        """Returns whether anything but children can take time in this group."""
        if self.life is not None and self.life.exit_stack is not None:
            return True
        hooks_are_ours = is_default(worker.on_startup) and is_default(worker.on_shutdown)
        return not (hooks_are_ours and is_default(worker.run))

    def force(self) -> None:
        """Forces the children; the group, and any code of its own, ends right after them."""
        life = self.life
        if life is None or life.outcome is not None:
            return
        life.ask_to_stop()
        life.begin_stop()
        if self.engine is not None:
            self.engine.force()
        else:
            life.deadlines().cut_grace()

    def hurry(self, deadline: float) -> None:
        """Passes a nearer deadline on to the children; the group's own code gets its share."""
        self.deadline: float | None = min(deadline, inf if self.deadline is None else self.deadline)
        life = self.life
        if life is None or life.worker is None or not life.has_deadlines():
            return
        if self._has_own_code(life.worker):
            life.deadlines().hurry(deadline)
        if self.engine is not None:
            self.engine.hurry(self.children_by())

    def warn_of_shrinking(self) -> None:
        """Says, once at start, that the children may need longer than the group was given."""
        if self.grace is not None and (needed := _needed_below(self)) > self.grace:
            self.emit(events.BudgetShrunk, needed, self.grace)


def _groups_from(group: GroupCore) -> Iterator[GroupCore]:
    """Yields ``group`` and all groups below it, level by level.

    Without recursion, like all that goes down the tree: nobody's tree is too deep.
    """
    groups = deque([group])
    while groups:
        each = groups.popleft()
        yield each
        groups.extend(core for core in each.cores() if isinstance(core, GroupCore))


def _needed_below(group: GroupCore) -> float:
    """Returns what the children of ``group`` need, at the most, to stop."""
    needed: dict[Core, float] = {}
    for each in reversed([*_groups_from(group)]):
        bounds = (
            slot.core._periods(slot.child, needed[slot.core]).bound
            if isinstance(slot.core, GroupCore)
            else slot.core.bound(slot.child)
            for slot in each.slots.values()
        )
        in_order = each.stop_in_reverse
        needed[each] = budget.in_order(bounds) if in_order else budget.together(bounds)
    return needed[group]
