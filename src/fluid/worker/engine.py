"""The engine of every group: starts children in order, watches them, and stops them all.

Two storeys. What children tell is taken in at once, by the roll; :meth:`Engine.run` waits for news
and acts on it, in the group's own task and context, in steps that no cancel can interrupt half-way.
Nothing polls.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from .. import tasks
from ..errors import WorkerCancelled
from .hooks import is_default
from .line import Line
from .roll import Roll
from .slot import ChildState, Slot
from .starter import Starter
from .stopping import Stopping

if TYPE_CHECKING:
    from .group_core import GroupCore
    from .life import Life

STARTS_PER_STEP = 64
"""Children that are started in one step of the loop, at most, if none has to be waited for."""


class Engine:
    """One run of a group's children, from the first start to the last end."""

    __slots__ = ("_error", "_group", "_life", "_stopping", "line", "roll")

    def __init__(self, group: GroupCore, life: Life) -> None:
        self._group: GroupCore = group
        self._life: Life = life
        self.line: Line = Line(group.slots.values())
        self._stopping: Stopping | None = None
        self._error: BaseException | None = None
        self.roll: Roll = Roll(group.slots, life.loop)

    # --- the shell: waits, and acts --------------------------------------------------------------

    async def run(self) -> None:
        """Runs the children until the last of them has ended; raises what ended the group.

        Cancellation: The children are stopped, within their bounds, before the cancel goes on.
        """
        interrupted: asyncio.CancelledError | None = None
        self.roll.adopt(self._group.slots.values())
        if self._life.stop_begun:
            self.stop_begun()
        try:
            while not self._act():
                try:
                    if self.roll.news.is_set():  # the loop gets its step before we go on
                        await tasks.pause()
                    else:
                        await self.roll.news.wait()
                except asyncio.CancelledError as cancelled:
                    interrupted = cancelled
                    self._answer_cancel()
            self._end(interrupted)
        finally:
            del interrupted

    def _act(self) -> bool:
        """Does all that follows from what has happened; returns True when nothing is left."""
        roll = self.roll
        roll.news.clear()
        while roll.ended:
            if self._was_last_to_start(roll.ended[0]):
                self._group.all_started()
                self._life.loop.call_soon(roll.news.set)
                return False
            slot = roll.ended.popleft()
            self._part_with_starter(slot)
            self.follow(slot)
        if self._stopping is None:
            self._start_next()
            return False
        self._stopping.go_on()
        return not roll.alive and not roll.ended

    def _was_last_to_start(self, slot: Slot) -> bool:
        """Returns whether a child was ready and ended in one breath, and was the last to start.

        Then the group has started, and says so before anything follows from that end.
        """
        if self._life.ready or self._life.stop_asked or not self.line.is_done:
            return False
        latest = self.line.latest or slot
        return _was_ready(slot) and _was_ready(latest)  # that one may have ended, too, and in vain

    def _answer_cancel(self) -> None:
        """Stops, and at once if the cancel was for being late."""
        self.stop()
        if self._was_ours():
            self.force()

    def _was_ours(self) -> bool:
        stop = self._life.stop
        return stop is not None and stop.cancels > 0

    def _end(self, interrupted: asyncio.CancelledError | None) -> None:
        life, error = self._life, self._error
        if self._stopping is not None and self._stopping.is_forced:
            life.facts.forced = True
            life.deadlines().cut_grace()  # for any code of the group's own that comes now
        if error is not None and interrupted is not None and not self._was_ours():
            life.facts.cleanup_errors += (interrupted,)
        error = error or interrupted
        try:
            if error is not None:
                raise error
        finally:
            self._error = None
            del error, interrupted  # their tracebacks lead here: that would be a cycle

    # --- starting --------------------------------------------------------------------------------

    def _start_next(self) -> None:
        """Starts whoever is next in line, until one has to be waited for."""
        for _ in range(STARTS_PER_STEP):
            if self._life.stop_asked or self.roll.ended:
                return
            slot = self.line.next()
            if slot is None:
                break
            if slot.state is ChildState.WAITING:
                self._start(slot)
        else:
            self.roll.news.set()
            return
        if self.line.is_done:
            self._group.all_started()

    def _start(self, slot: Slot) -> None:
        self.roll.enter(slot)
        if not is_default(slot.child.startup):
            slot.starter = Starter(slot, self._life.loop, partial(self.roll.look_at, slot))
            slot.starter.begin()
            return
        try:
            slot.core.start(slot.child)
        except BaseException as error:
            slot.note("startup", error)
            self.roll.leave(slot)

    def _part_with_starter(self, slot: Slot) -> None:
        if slot.starter is not None:
            self._life.facts.abandoned |= slot.starter.gave_up
            slot.starter = None

    def child_added(self, slot: Slot) -> None:
        """Puts a new child in line; one that runs already is the group's from now on."""
        self.line.join(slot)
        self.roll.adopt((slot,))
        self.roll.news.set()

    # --- what follows from a child's end ---------------------------------------------------------

    def follow(self, slot: Slot) -> None:
        """The rule of this group, all of it: when one ends, all stop, and errors count."""
        for error in slot.errors():
            self.blame(slot, error)
        self.stop(because_of=slot)

    def blame(self, slot: Slot, error: BaseException) -> None:
        """Makes the first error the group's own; what comes later stands beside it."""
        error = presentable(slot, error)
        if self._error is None:
            self._error = error
            self._life.origin = slot.origin
        elif error is not self._error:
            self._life.facts.cleanup_errors += (error,)

    # --- stopping --------------------------------------------------------------------------------

    def stop(self, because_of: Slot | None = None) -> None:
        """Stops the group: from now on it takes no more children, and its deadlines run."""
        life = self._life
        if because_of is not None and not life.stop_asked:
            life.ended_by = because_of.origin
        life.ask_to_stop()
        life.begin_stop()

    def stop_begun(self) -> None:
        """Is told that the group's stop has begun; the children are asked in the group's task."""
        group = self._group
        self.roll.adopt(self.line.leave())  # somebody else may be starting one of them just now
        self._stopping = Stopping(
            group.slots.values(),
            in_order=group.stop_in_reverse,
            by=group.children_by(),
            loop=self._life.loop,
        )
        self.roll.stopping = self._stopping if group.stop_in_reverse else None
        self.roll.news.set()

    def hurry(self, deadline: float) -> None:
        """Brings the instant forward by which all children have to have ended."""
        if self._stopping is not None:
            self._stopping.hurry(deadline)
            self.roll.news.set()

    def force(self) -> None:
        """Takes away the grace of every child; of the next ones too when they stop in order."""
        if self._stopping is not None:
            self._stopping.force()
            self.roll.news.set()


def presentable(slot: Slot, error: BaseException) -> BaseException:
    """Returns a child's error as it may be raised elsewhere: the cancel of a task stays in it."""
    if not isinstance(error, asyncio.CancelledError):
        return error
    cancelled = WorkerCancelled(f"worker {slot.core.path} was cancelled by somebody else")
    cancelled.__cause__ = error
    return cancelled


def _was_ready(slot: Slot) -> bool:
    life = slot.core.life
    return life is not None and life.ready and not slot.errors()
