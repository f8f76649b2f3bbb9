"""The private side of a supervisor: its places, its policies, and what becomes of a dead child."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...errors import (
    ChildEnd,
    ChildExists,
    FluidValueError,
    GroupClosed,
    as_one,
)
from ...rules.backoff import Backoff
from ...rules.limit import RestartLimit, check_reachable
from ...rules.names import SlotKeys, escape
from ...rules.outcome import judge
from ...rules.restart import AutoShutdown, Restart, Strategy
from ..admission import check_open, enter, newcomers, problem_of
from ..base import Worker
from ..core import Core, NextLife, core_of
from ..group_core import GroupCore
from ..slot import RESTARTING
from .slot import Goal, SupervisedSlot
from .spec import ChildSpec

if TYPE_CHECKING:
    from ..life import Life
    from .engine import SupervisorEngine


class SupervisorCore(GroupCore):
    """What a supervisor has beside what every group has: policies, and places that stay."""

    __slots__ = (
        "added",
        "auto_shutdown",
        "backoff",
        "declared",
        "estates",
        "limit",
        "random",
        "reachable",
        "restarts",
        "significant",
        "strategy",
    )

    keeps_places: ClassVar[bool] = True
    """Whether the place of a child that is down for good stays."""
    limit: RestartLimit[ChildEnd]
    backoff: Backoff
    strategy: Strategy
    auto_shutdown: AutoShutdown
    random: Random

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.declared: list[ChildSpec] = []
        """The children it was made with, in order: those that are back when it is restarted."""
        self.estates: list[Core] = []
        """Children that might have come back, but for the stop, and have left something."""
        self.significant: dict[SupervisedSlot, None] = {}
        """The significant children that have not ended for good."""
        self.added: int = 0
        """How many children there have ever been."""
        self.restarts: int = 0
        """How many times it has started a child again, in all of its lives."""
        self.reachable: tuple[Backoff, int, float] | None = None
        """The back-off, and the limit, that were checked last: children mostly have the same."""

    def new_engine(self, life: Life) -> SupervisorEngine:
        """Returns what will run the children."""
        from .engine import SupervisorEngine

        return SupervisorEngine(self, life)

    # --- its places ------------------------------------------------------------------------------

    def supervised(self) -> Iterable[SupervisedSlot]:
        """Returns the places, in the order of addition."""
        return cast("Iterable[SupervisedSlot]", self.slots.values())

    def place(self, key: str) -> SupervisedSlot | None:
        """Returns the place with that key, if there is one."""
        return cast("SupervisedSlot | None", self.slots.get(key))

    def place_of(self, child: Core) -> SupervisedSlot | None:
        """Returns the place that a child is in; none if another incarnation has taken it."""
        slot = self.place(child.key)
        return slot if slot is not None and slot.core is child else None

    def place_that_was_of(self, child: Core) -> SupervisedSlot | None:
        """Returns the place that a child is in, or that a former incarnation has been in."""
        slot = self.place(child.key)
        is_or_was_here = slot is not None and slot.number == getattr(child, "place_number", None)
        return slot if is_or_was_here and child.parent() is self else None

    def declare(self, specs: Iterable[ChildSpec]) -> None:
        """Adds children that are there from the beginning, after each restart too."""
        for spec in specs:
            self.admit(spec)
            self.declared.append(spec)

    def add(self, workers: Iterable[Worker]) -> None:
        """Adds those that are not there yet: all of them, or none and an error."""
        add = self.declare if self.life is None else self._admit_all
        add([ChildSpec(worker) for worker in newcomers(self, workers)])

    def _admit_all(self, specs: Iterable[ChildSpec]) -> None:
        for spec in specs:
            self.admit(spec)

    def admit(self, spec: ChildSpec) -> SupervisedSlot:
        """Adds a child, in a place of its own.

        Raises:
            ChildExists: If its id is taken.
            GroupClosed: If the supervisor is stopping or has ended.
            FluidValueError: If it cannot be a child: the factory fails, it is in another group.
        """
        check_open(self, spec.id or "a child")
        if spec.id and (there := self.place(escape(spec.id))) is not None:
            raise ChildExists(
                f"supervisor {self.name!r} has a child {spec.id!r} already: it is "
                f"{there.state.value}; restart_child() starts one that is stopped, remove_child() "
                f"makes room for another",
                worker=there.child,
            )
        self.check_reachable(spec.backoff or self.backoff)
        self.check_significant(spec)
        return self.enter(spec, spec.make(), spec.make if spec.is_factory else None)

    def check_reachable(self, backoff: Backoff) -> None:
        """Refuses a back-off with which the limit could never be reached."""
        limit = self.limit
        asked = (backoff, limit.max_restarts, limit.period)
        if asked != self.reachable:
            check_reachable(f"supervisor {self.name!r}", limit.max_restarts, limit.period, backoff)
            self.reachable = asked

    def check_significant(self, spec: ChildSpec) -> None:
        """Refuses a significant child whose end would mean nothing."""
        if spec.significant and self.auto_shutdown is AutoShutdown.NEVER:
            raise FluidValueError(
                f"supervisor {self.name!r} cannot have a significant child: it never ends with its "
                f'children; give it auto_shutdown="any_significant" or "all_significant"'
            )

    def backoffs(self) -> set[Backoff]:
        """Returns every back-off that is in use."""
        return {slot.spec.backoff or self.backoff for slot in self.supervised()} or {self.backoff}

    def enter(
        self, spec: ChildSpec, worker: Worker, make: Callable[[Worker], Worker] | None
    ) -> SupervisedSlot:
        """Gives a worker a place, and keeps what makes the next one, if anything does."""
        core = core_of(worker)
        if core.parent() is self:
            raise FluidValueError(f"worker {core.name!r} is in supervisor {self.name!r} already")
        if problem := problem_of(self, core):
            raise FluidValueError(
                f"worker {core.name!r} cannot join supervisor {self.name!r}: {problem}"
            )
        self.added += 1
        slot = SupervisedSlot(worker, spec, make, self.added)
        _equip(worker, spec)
        core.place_number = slot.number
        self.set_goal(slot, Goal.UP)
        enter(self, slot, self.key_for(spec, core))
        return slot

    def set_goal(self, slot: SupervisedSlot, goal: Goal) -> None:
        """Sets what is wanted of a place, and so whether its end may still end the supervisor."""
        slot.goal = goal
        if slot.spec.significant and goal is Goal.UP:
            self.significant[slot] = None
        else:
            self.significant.pop(slot, None)

    def key_for(self, spec: ChildSpec, core: Core) -> str:
        """Returns the last part of a new child's path."""
        return self.keys.take(spec.id or core.name)

    def drop(self, slot: SupervisedSlot) -> None:
        """Takes a place away; whoever was in it may join another group if it has never started."""
        key = slot.core.key
        if self.slots.get(key) is slot:
            del self.slots[key]
            self.keys.give_back(key)
            if slot.core.life is None:
                slot.core.parent_ref = None

    # --- incarnations ----------------------------------------------------------------------------

    def renew(self, slot: SupervisedSlot) -> None:
        """Puts a worker that can be started into a place: a new one, or the same put back to INIT.

        Raises:
            Exception: What the factory raised.
        """
        if slot.make is None:
            slot.core.reborn()
            return
        worker, key = slot.make(slot.child), slot.core.key
        core = core_of(worker)
        if problem := problem_of(self, core):
            raise FluidValueError(f"the factory of child {key!r} made no child: {problem}")
        core.key, core.parent_ref, core.place_number = key, weakref.ref(self), slot.number
        _equip(worker, slot.spec)
        core.follows(slot.core)
        slot.child, slot.core = worker, core

    def children_reborn(self) -> Iterable[Core]:
        """Brings the children back that it was made with, and nobody else."""
        slots = list(self.supervised())
        given = [core_of(spec.worker) for spec in self.declared if isinstance(spec.worker, Worker)]
        again = {slot.core: None for slot in slots if not slot.spec.is_factory}
        again |= {core: None for core in given if self._is_free(core)}  # their places had gone
        for core in (*again, *(slot.core for slot in slots)):
            core.parent_ref = None
        for core in again:
            Core.reborn(core)
        self.slots.clear()
        self.significant.clear()
        self.keys: SlotKeys = SlotKeys()
        self.limit = RestartLimit(self.limit.max_restarts, self.limit.period)
        for spec in self.declared:
            self.admit(spec)
        return again

    def _is_free(self, core: Core) -> bool:
        """Returns whether nobody else can have taken a child in since its place went."""
        parent = core.parent()
        return parent is self or (parent is None and core.life is None)

    def next_life_of(self, child: Core) -> NextLife:
        """Returns whether a child's job will be started again."""
        slot = self.place_of(child)
        if slot is None or slot.goal is not Goal.UP or self.is_closed():
            return NextLife.NONE
        if slot.asked or slot.state is RESTARTING:
            return NextLife.CERTAIN
        if slot.spec.restart is Restart.PERMANENT:
            return NextLife.POSSIBLE
        if slot.spec.restart is Restart.TEMPORARY or child.life is None:
            return NextLife.NONE
        has_failed = judge(child.life.facts).exception is not None
        return NextLife.POSSIBLE if has_failed else NextLife.NONE

    def renews(self, child: Core) -> bool:
        """Returns whether the next life will be that of another instance."""
        slot = self.place_of(child)
        return slot is not None and slot.make is not None

    # --- what it is ------------------------------------------------------------------------------

    def lost_at(self, child: Core) -> float | None:
        """Returns the time of day at which the incarnation before ended, if there was one."""
        slot = self.place_of(child)
        return None if slot is None else slot.lost_at

    def is_closed(self) -> bool:
        """Returns whether it is stopping or has ended; a child's end does not close it."""
        return Core.is_closed(self)

    def now(self) -> float:
        """Returns the time on the clock of its loop; 0 before there is one."""
        return self._now()

    def is_going_down(self) -> bool:
        """Returns whether it, or a group above it, has been asked to stop: nobody comes back."""
        return any(group.is_closed() for group in self.ancestry())

    def needed(self) -> Iterator[Core]:
        """Yields the permanent children: while one of them is down, the supervisor is not ready."""
        places = list(self.supervised())  # at once: another thread may ask
        return (slot.core for slot in places if slot.spec.restart is Restart.PERMANENT)

    def all_started(self) -> None:
        """Is told that all had their turn; those that have crashed meanwhile come first."""
        engine = cast("SupervisorEngine", self.engine)
        if not engine.restartings or (self.life is not None and self.life.ready):
            super().all_started()

    def inherits_from(self, child: Core) -> bool:
        """Takes on what a child has left that might have come back, but for the stop."""
        life = child.life
        is_over = life is not None and life.outcome is not None and not life.facts.abandoned
        if self.engine is None or not self.is_closed() or not is_over or child.hand_back() is None:
            return False
        self.estates.append(child)
        return True

    def hand_back(self) -> Callable[[], Awaitable[None]] | None:
        """Returns what sees to the messages of those that did not live to see their restart."""
        return self._settle_estates if self.estates else None

    async def _settle_estates(self) -> None:
        errors: list[BaseException] = []
        while self.estates:
            if (hand_back := self.estates.pop().hand_back()) is None:  # others took the messages
                continue
            try:
                await hand_back()
            except Exception as error:
                errors.append(error)
        if errors:
            raise as_one(f"on_undelivered() failed below supervisor {self.name!r}", errors)

    def _has_own_code(self, worker: Worker) -> bool:
        return super()._has_own_code(worker) or any(
            slot.core.may_leave_something() for slot in self.supervised()
        )

    def life_ended(self, life: Life) -> None:
        """Lets nobody wait for ever."""
        super().life_ended(life)
        for core in self.estates:  # there was no time left for them
            core.report_left()
        self.estates.clear()
        for slot in self.supervised():
            slot.tell_down()
            slot.tell_up(GroupClosed(f"supervisor {self.name!r} has ended"))

    def facts_of(self, child: Core) -> dict[str, Any]:
        """Returns what is known of a child's place."""
        slot = self.place_of(child)
        return {} if slot is None else {"supervised": slot.facts(self.now())}


def _equip(worker: Worker, spec: ChildSpec) -> None:
    """Gives a worker the periods that its specification has in place of its own."""
    if spec.stopping_grace_period is not None:
        worker._worker.grace = spec.stopping_grace_period
    if spec.start_timeout is not None:
        worker.start_timeout = spec.start_timeout
