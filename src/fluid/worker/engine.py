"""The engine of every group: starts children in order, watches them, stops them all.

Two storeys. :meth:`Engine.advance` is synchronous: it takes in what has happened and does all that
follows from it, so no cancel can interrupt it half-way. :meth:`Engine.run` waits around it. Nothing
polls: children tell the engine that they are ready or have ended, and that wakes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from .. import events, tasks
from ..errors import FluidError, WorkerCancelled, WorkerStartError
from ..rules import budget
from .core import Core
from .hooks import is_default
from .life import Life
from .slot import ALIVE, ChildState, Slot

if TYPE_CHECKING:
    from .base import Worker

STARTS_PER_STEP = 64
"""Children that are started in one step of the loop, at the most, when none of them has to wait."""


class Engine:
    """The children of one group and what is going on with them."""

    def __init__(self, *, stop_in_reverse: bool) -> None:
        self.stop_in_reverse = stop_in_reverse
        self.slots: dict[Core, Slot] = {}
        self.keys: set[str] = set()
        self._life: Life | None = None
        self._waiting: deque[Slot] = deque()
        self._started: list[Slot] = []
        self._starting: Slot | None = None
        self._alive = 0
        self._ended: deque[Slot] = deque()
        self._stopping = False
        self._forced = False
        self._deadline: float | None = None
        self._left_to_stop = 0.0
        self._error: BaseException | None = None
        self._wakeup: asyncio.Future[None] | None = None

    # --- the shell: waits ------------------------------------------------------------------------

    async def run(self, life: Life) -> None:
        """Runs the children until the last of them has ended; raises what ended the group.

        Cancellation: The children are stopped, within their bounds, before the cancel goes on.
        """
        self._life = life
        self._stopping = self._forced = False
        self._waiting.extend(self.slots.values())
        interrupted: asyncio.CancelledError | None = None
        try:
            while not self.advance():
                try:
                    await self._news()
                except asyncio.CancelledError as cancelled:
                    interrupted = cancelled
                    self._interrupt(life)
        finally:
            self._life = None
        error, self._error = self._error, None
        if error is not None:
            raise error
        if interrupted is not None:
            raise interrupted

    async def _news(self) -> None:
        assert self._life is not None
        self._wakeup = self._life.loop.create_future()
        try:
            await self._wakeup
        finally:
            self._wakeup = None

    def wake(self) -> None:
        """Makes the engine look again."""
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def _interrupt(self, life: Life) -> None:
        """Answers a cancel of the group: stop, and at once if it was for being late."""
        self._stopping = True
        if (life.stop is not None and life.stop.cancels):
            self.force()

    # --- the core: decides -----------------------------------------------------------------------

    def advance(self) -> bool:
        """Does all that follows from what has happened; returns True when nothing is left."""
        assert self._life is not None
        while self._ended:
            self._account_for(self._ended.popleft())
        if self._stopping or self._life.stop_asked:
            self._stop_children()
            return not self._alive
        self._start_children()
        return False

    def _account_for(self, slot: Slot) -> None:
        """Takes a child's end in. The rule of this group: when one ends, the group stops."""
        if slot.state not in ALIVE or not slot.has_ended:
            return
        slot.state = ChildState.STOPPED
        self._alive -= 1
        self._stopping = True
        if self._starting is slot:
            self._starting = None
        life = slot.core.life
        error = None if life is None or life.outcome is None else life.outcome.exception
        starter_error = None if slot.starter is None else tasks.end_of(slot.starter)
        slot.starter = None
        if error is not None:
            assert life is not None
            self._blame(slot, error, life.origin)
        elif starter_error is not None and not self._was_asked_to_stop(slot):
            self._blame(slot, starter_error, "")

    @staticmethod
    def _was_asked_to_stop(slot: Slot) -> bool:
        return slot.core.life is None or slot.core.life.stop_asked

    def _blame(self, slot: Slot, error: BaseException, origin: str) -> None:
        """Keeps the first error as the group's own; what comes later goes beside it."""
        assert self._life is not None
        if isinstance(error, asyncio.CancelledError):
            cancelled = WorkerCancelled(f"worker {slot.core.path} was cancelled by somebody else")
            cancelled.__cause__ = error
            error = cancelled
        if self._error is None:
            self._error = error
            self._life.origin = origin or slot.core.path
        elif error is not self._error:
            self._life.facts.cleanup_errors += (error,)

    # --- starting --------------------------------------------------------------------------------

    def add(self, child: Worker) -> None:
        """Gives ``child`` a slot behind all others; it is started when its turn comes."""
        slot = Slot(child)
        self.slots[slot.core] = slot
        self.keys.add(slot.core.key)
        if self._life is not None:
            self._waiting.append(slot)
            self.wake()

    def _start_children(self) -> None:
        assert self._life is not None
        room = STARTS_PER_STEP
        while self._waiting and self._starting is None and not self._stopping:
            if not room:
                self._life.loop.call_soon(self.wake)
                return
            room -= 1
            self._start(self._waiting.popleft())
        if self._starting is None and not self._stopping:
            self._life.become_ready()

    def _start(self, slot: Slot) -> None:
        self._starting = slot
        self._started.append(slot)
        self._alive += 1
        slot.state = ChildState.STARTING
        core = slot.core
        if core.life is not None:  # somebody else has started it: adopt it
            self._take_in(slot)
        elif not is_default(slot.child.startup):
            self._start_by_override(slot)
        else:
            try:
                core.start(slot.child)
            except Exception as error:
                self._blame(slot, error, "")
                self._ended.append(slot)
                self._stopping = True
                self.wake()

    def _start_by_override(self, slot: Slot) -> None:
        assert self._life is not None
        slot.starter = tasks.spawn(
            slot.child.startup(),
            loop=self._life.loop,
            name=f"startup of {slot.core.name}",
            on_end=partial(self._starter_ended, slot),
        )

    def _starter_ended(self, slot: Slot, starter: asyncio.Task[None]) -> None:
        life = slot.core.life
        failed = tasks.end_of(starter) is not None
        if life is None and not failed:
            self._blame(slot, _did_not_start(slot.child), "")
        elif life is not None and failed:  # it began and then failed: it must not stay behind
            slot.core.force()
        self._take_in(slot)

    def _take_in(self, slot: Slot) -> None:
        """Looks at a child after something happened to it, and wakes the engine."""
        if slot.has_ended:
            self._ended.append(slot)
            self.wake()
        elif slot.core.is_ready() and (slot.starter is None or slot.starter.done()):
            if slot.state is ChildState.STARTING:
                slot.state = ChildState.RUNNING
            if self._starting is slot:
                self._starting = None
                self.wake()

    def child_changed(self, core: Core) -> None:
        """Is told by a child that it became ready, or ended."""
        slot = self.slots.get(core)
        if self._life is not None and slot is not None and slot.state in ALIVE:
            self._take_in(slot)

    def all_ready(self) -> bool:
        """Returns whether every child is ready."""
        return all(core.is_ready() for core in self.slots)

    # --- stopping --------------------------------------------------------------------------------

    def bound(self) -> float:
        """Returns what the children need, at the most, to stop."""
        bounds = (slot.core.bound(slot.child) for slot in self.slots.values())
        return budget.in_order(bounds) if self.stop_in_reverse else budget.together(bounds)

    def stop_by(self, deadline: float | None) -> None:
        """Sets the instant by which all children have to have ended."""
        self._deadline = deadline

    def hurry(self, deadline: float) -> None:
        """Brings the deadline forward, also for children that are stopping already."""
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
        for core, slot in self.slots.items():
            if slot.state is ChildState.STOPPING:
                core.hurry(self._deadline)

    def force(self) -> None:
        """Takes away the grace of every child; of the next ones too when they stop in order."""
        self._forced = True
        for core, slot in self.slots.items():
            if slot.state is ChildState.STOPPING or not self.stop_in_reverse:
                core.force()
        self.wake()

    def _stop_children(self) -> None:
        """Asks whoever is to be asked now: everybody, or the last one that was started."""
        self._stopping = True
        for slot in self._waiting:
            slot.state = ChildState.STOPPED
        self._waiting.clear()
        while self._started:
            slot = self._started[-1]
            if slot.state in (ChildState.STARTING, ChildState.RUNNING):
                self._ask(slot)
            if self.stop_in_reverse and slot.state is ChildState.STOPPING:
                return  # the one before it is asked when this one has ended
            self._started.pop()

    def _ask(self, slot: Slot) -> None:
        """Asks one child to stop, and makes sure that it keeps its bound if it does not listen."""
        assert self._life is not None
        slot.state = ChildState.STOPPING
        core, life = slot.core, slot.core.life
        core.deadline = self._deadline_for(slot)
        if life is not None and life.stop_begun and core.deadline is not None:
            core.hurry(core.deadline)
        try:
            slot.child.gracefully_stop()
        except Exception as error:
            self._life.core.emit(events.SecondaryError, f"gracefully_stop of {core.path}", error)
        if life is not None:
            life.bound_stop()
        elif slot.starter is not None:
            tasks.cancel(slot.starter, "fluid: its group is stopping")
        if self._forced:
            core.force()

    def _deadline_for(self, slot: Slot) -> float | None:
        if self._deadline is None:
            return None
        assert self._life is not None
        now = self._life.loop.time()
        bound = slot.core.bound(slot.child)
        everybody = bound
        if self.stop_in_reverse:
            everybody = budget.in_order(other.core.bound(other.child) for other in self._started)
        return now + budget.share(bound, everybody, self._deadline - now)


def _did_not_start(child: Worker) -> FluidError:
    return WorkerStartError(
        f"worker {child._worker.name!r} did not start: its startup() did not call super().startup()"
    )
