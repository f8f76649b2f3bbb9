"""The engine of every group: starts children in order, watches them, and stops them all.

Two storeys. What children tell is taken in at once, by plain code that no cancel can interrupt
half-way; :meth:`Engine.run` waits around it and acts, in the group's own task and context. Nothing
polls: a child that is ready or has ended says so, and that wakes the group.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from ..errors import WorkerCancelled
from .hooks import is_default
from .line import Line
from .slot import ChildState, Slot
from .starter import Starter
from .stopping import Stopping

if TYPE_CHECKING:
    from .core import Core
    from .group_core import GroupCore
    from .life import Life

STARTS_PER_STEP = 64
"""Children that are started in one step of the loop, at the most, if none has to be waited for."""


class Engine:
    """One run of a group's children, from the first start to the last end."""

    def __init__(self, group: GroupCore, life: Life) -> None:
        self._group: GroupCore = group
        self._life: Life = life
        self._line: Line = Line(group.slots.values())
        self._alive: int = 0
        self._ended: deque[Slot] = deque()
        """Children whose end has been taken in, and nothing has followed from it yet."""
        self._stopping: Stopping | None = None
        self._error: BaseException | None = None
        self._news: asyncio.Event = asyncio.Event()

    # --- the shell: waits, and acts in the group's task ------------------------------------------

    async def run(self) -> None:
        """Runs the children until the last of them has ended; raises what ended the group.

        Cancellation: The children are stopped, within their bounds, before the cancel goes on.
        """
        interrupted: asyncio.CancelledError | None = None
        self._adopt(self._group.slots.values())
        if self._life.stop_begun:
            self.stop_begun()
        try:
            while not self._act():
                try:
                    await self._news.wait()
                except asyncio.CancelledError as cancelled:
                    interrupted = cancelled
                    self._answer_cancel()
            self._end(interrupted)
        finally:
            del interrupted

    def _act(self) -> bool:
        """Does all that follows from what has happened; returns True when nothing is left."""
        self._news.clear()
        while self._ended:
            self.follow(self._ended.popleft())
        if self._stopping is not None:
            self._stopping.go_on()
        else:
            self._start_next()
        return self._stopping is not None and not self._alive and not self._ended

    def _answer_cancel(self) -> None:
        """Stops, and at once if the cancel was for being late."""
        self.stop()
        if self._was_ours():
            self.force()

    def _was_ours(self) -> bool:
        stop = self._life.stop
        return stop is not None and stop.cancels > 0

    def _end(self, interrupted: asyncio.CancelledError | None) -> None:
        if self._stopping is not None and self._stopping.is_forced and self._life.stop is not None:
            self._life.facts.forced = True
            self._life.stop.cut_grace()  # for any code of the group's own that comes now
        if self._error is None:
            self._error = interrupted
        elif interrupted is not None and not self._was_ours():
            self._life.facts.cleanup_errors += (interrupted,)
        try:
            if self._error is not None:
                raise self._error
        finally:
            # Its traceback leads here: that would be a cycle.
            self._error = None
            del interrupted

    # --- starting --------------------------------------------------------------------------------

    def _start_next(self) -> None:
        """Starts whoever is next in line, until one has to be waited for."""
        for _ in range(STARTS_PER_STEP):
            if self._life.stop_asked or self._ended:
                return
            slot = self._line.next()
            if slot is None:
                break
            if slot.state is ChildState.WAITING:
                self._start(slot)
        else:  # the loop gets its step before the next ones start
            self._news.clear()
            self._life.loop.call_soon(self.wake)
            return
        if self._line.is_done:
            self._group.all_started()

    def _start(self, slot: Slot) -> None:
        self._count_in(slot)
        if not is_default(slot.child.startup):
            slot.starter = Starter(slot, self._life.loop, partial(self._look_at, slot))
            slot.starter.begin()
            return
        try:
            slot.core.start(slot.child)
        except BaseException as error:
            slot.note("startup", error)
            self._count_out(slot)

    @property
    def is_starting(self) -> bool:
        """Whether somebody waits for their turn, or is waited for."""
        return not self._line.is_done

    # --- what children tell ----------------------------------------------------------------------

    def child_added(self, slot: Slot) -> None:
        """Puts a new child in line."""
        self._line.join(slot)
        self._adopt((slot,))
        self.wake()

    def child_ready(self, core: Core) -> None:
        """Lets the next child start."""
        self._look_at(self._group.slots[core])

    def child_ended(self, core: Core) -> None:
        """Takes a child's end in."""
        self._look_at(self._group.slots[core])

    def _adopt(self, slots: Iterable[Slot]) -> None:
        """Counts those in whom somebody else has started; they keep their place in the line."""
        for slot in slots:
            if slot.core.life is not None:
                self._look_at(slot)

    def _look_at(self, slot: Slot) -> None:
        """Takes in where a child stands."""
        life = slot.core.life
        if slot.state is ChildState.WAITING and life is not None and life.loop is self._life.loop:
            self._count_in(slot)
        if slot.is_alive and slot.has_ended:
            self._count_out(slot)
        elif slot.state is ChildState.STARTING and slot.has_started:
            slot.state = ChildState.RUNNING
            self.wake()

    def _count_in(self, slot: Slot) -> None:
        slot.state = ChildState.STARTING
        self._alive += 1

    def _count_out(self, slot: Slot) -> None:
        slot.state = ChildState.STOPPED
        self._alive -= 1
        if slot.starter is not None and slot.starter.gave_up:
            self._life.facts.abandoned = True
        slot.starter = None
        self._ended.append(slot)
        self.wake()

    @property
    def is_ending(self) -> bool:
        """Whether the end of a child is about to end the group."""
        return bool(self._ended)

    def wake(self) -> None:
        """Makes the group look again."""
        self._news.set()

    # --- what follows ----------------------------------------------------------------------------

    def follow(self, slot: Slot) -> None:
        """The rule of this group, all of it: when one ends, all stop, and the first error counts."""
        for error in slot.errors():
            self._blame(slot, error)
        if self._stopping is None:
            self.stop()

    def _blame(self, slot: Slot, error: BaseException) -> None:
        """Makes the first error the group's own; what comes later goes beside it."""
        if isinstance(error, asyncio.CancelledError):
            cancelled = WorkerCancelled(f"worker {slot.core.path} was cancelled by somebody else")
            cancelled.__cause__ = error
            error = cancelled
        if self._error is None:
            self._error = error
            self._life.origin = slot.origin
        elif error is not self._error:
            self._life.facts.cleanup_errors += (error,)

    # --- stopping --------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stops the group: from now on it takes no more children, and its deadlines run."""
        self._life.ask_to_stop()
        self._life.begin_stop()

    def stop_begun(self) -> None:
        """Is told that the group's stop has begun; the children are asked in the group's task."""
        group = self._group
        self._adopt(self._line.leave())
        self._stopping = Stopping(
            group.slots.values(),
            in_order=group.stop_in_reverse,
            by=group.children_by(),
            loop=self._life.loop,
        )
        self.wake()

    def hurry(self, deadline: float) -> None:
        """Brings the instant forward by which all children have to have ended."""
        if self._stopping is not None:
            self._stopping.hurry(deadline)
            self.wake()

    def force(self) -> None:
        """Takes away the grace of every child; of the next ones too when they stop in order."""
        if self._stopping is not None:
            self._stopping.force()
            self.wake()
