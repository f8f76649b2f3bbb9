"""The engine of a supervisor: the same as every group's, but for what follows from a child's end.

:meth:`SupervisorEngine.follow` is the whole policy, as clauses over :mod:`fluid.rules.restart`.
What it decides is carried out by :class:`~.restarting.Restarting`; what users ask for at run time
comes in through a few verbs. All of it is plain code that runs in one step.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from ... import events
from ...errors import ChildEnd, SupervisorGaveUp, WorkerStartError
from ...logs import after_running, restarts
from ...rules.restart import DECISIONS, Decision, End, Strategy, affected, ends_with
from ..engine import STARTS_PER_STEP, Engine, presentable
from ..slot import GIVEN_UP, RESTARTING, STOPPED, STOPPING, WAITING, Slot
from ..stopping import ask
from .restarting import Restarting
from .slot import Goal, SupervisedSlot

if TYPE_CHECKING:
    from ..life import Life
    from .core import SupervisorCore


class SupervisorEngine(Engine):
    """One run of a supervisor's children."""

    __slots__ = ("_core", "_due", "_starts_left", "restartings")

    def __init__(self, core: SupervisorCore, life: Life) -> None:
        super().__init__(core, life)
        self._core: SupervisorCore = core
        self.restartings: dict[Restarting, None] = {}
        """The restarts that are on their way."""
        self._due: deque[Restarting] = deque()
        self._starts_left: int = 0

    # --- the rule --------------------------------------------------------------------------------

    def follow(self, slot: Slot) -> None:
        """The rule of supervisors, all of it."""
        assert isinstance(slot, SupervisedSlot)
        slot.is_news = False
        errors = slot.errors()
        if errors:
            slot.last_error = slot.cause()
        if self._life.stop_asked:  # which may come a step before the stop begins
            # A crash that only came too late to be answered by a restart is no fault of the stop.
            for error in errors if slot.was_told_to_stop() else ():
                self.blame(slot, error)
        else:
            if slot.restarting is not None:  # others come up after it
                self._stand_still(slot)
            self._follow(slot, was_ready=slot.was_ready())
        if slot.is_awaited:
            self._tell(slot)

    def _follow(self, slot: SupervisedSlot, *, was_ready: bool) -> None:
        """Its clauses, for a supervisor that nobody has asked to stop."""
        end = slot.end()
        if not (slot.has_been_up or was_ready or self._may_fail(slot)):
            super().follow(slot)  # it fails the start of its supervisor
        elif end is End.ABANDONED:
            self._give_up(slot, f"worker {slot.core.path} was abandoned, and may not run twice")
        elif isinstance(next(iter(slot.errors()), None), SystemExit | KeyboardInterrupt):
            super().follow(slot)  # it asks for the end of the process
        elif slot.asked or slot.goal is not Goal.UP:
            self._came_down(slot)
        elif slot.fall_back is not None and not was_ready:
            self._core.set_goal(slot, slot.fall_back)
            self._came_down(slot)
        else:
            slot.has_been_up = True
            self._decide(slot, end)

    def _may_fail(self, slot: SupervisedSlot) -> bool:
        """Returns whether a first start may fail: at run time, or where we have called it off."""
        return self._life.ready or slot.asked or slot.fall_back is not None

    def _tell(self, slot: SupervisedSlot) -> None:
        """Tells those who wait for a child what has become of it."""
        if not slot.asked or slot.goal is not Goal.UP or self._stopping is not None:
            # Whoever waits although it has been up waits for the next incarnation.
            came_up = slot.up_since is None and slot.was_ready()
            slot.tell_up(None if came_up else _why_not_up(slot))
        slot.tell_down()

    def _decide(self, slot: SupervisedSlot, end: End) -> None:
        """Does what the table says about a child that has ended by itself."""
        decision = DECISIONS[end, slot.spec.restart]
        if decision is Decision.RESTART and self._core.is_going_down():
            decision = Decision.KEEP
        if decision is Decision.RESTART:
            self._restart(slot)
            return
        self._core.set_goal(slot, Goal.DOWN if decision is Decision.KEEP else Goal.GONE)
        self._came_down(slot)
        is_last = not self._core.significant
        if slot.spec.significant and ends_with(self._core.auto_shutdown, is_last=is_last):
            self.stop(because_of=slot)

    def _restart(self, slot: SupervisedSlot) -> None:
        """Counts one more restart; schedules it, or gives up."""
        core, now = self._core, self.now()
        backoff = slot.spec.backoff or core.backoff
        uptime = slot.uptime(now)
        was_stable = uptime is not None and uptime >= backoff.reset_after
        slot.streak = 1 if was_stable else slot.streak + 1
        end = ChildEnd(slot.core.path, now, slot.streak, uptime, slot.cause())
        self._stand_still(slot)
        if not core.limit.admit(now, end):
            self._give_up(slot, self._too_many(end))
            return
        delay = backoff.wait(slot.streak, core.random)
        left, period = core.limit.left(now), core.limit.period
        slot.core.emit(events.RestartScheduled, end, delay, left, period)
        slot.state = RESTARTING
        self.bring_up(self._with_it(slot), now + delay)

    def _stand_still(self, slot: SupervisedSlot) -> None:
        """Takes the time of an end out of the window, if a restart waited for that end.

        Not of any end: where children come and go all day, the window would stay open all day.
        """
        self._core.limit.stand_still(slot.lost_since(), self.now())

    def _with_it(self, slot: SupervisedSlot) -> Sequence[SupervisedSlot]:
        """Returns who is restarted with ``slot``; what is down, and stays down, is not."""
        if self._core.strategy is Strategy.ONE_FOR_ONE:
            return (slot,)
        order = tuple(self._core.supervised())
        others = affected(self._core.strategy, order, slot)
        with_it = [other for other in others if other.is_alive or other.state is RESTARTING]
        for other in with_it:
            if other.is_temporary and other is not slot:
                self._core.set_goal(other, Goal.GONE)
        return with_it

    def _came_down(self, slot: SupervisedSlot) -> None:
        """Does what is to be done about a child that is down because somebody wanted it so."""
        if slot.goal is Goal.UP:
            slot.state = RESTARTING
            if slot.restarting is None:
                self.bring_up((slot,), self.now())
            return
        if slot.restarting is not None:
            slot.restarting.leave(slot)
        slot.core.no_next_life()
        if slot.goal is Goal.GONE or slot.is_temporary or not self._core.keeps_places:
            self._core.drop(slot)

    def _give_up(self, slot: SupervisedSlot, reason: str) -> None:
        core, errors = self._core, slot.errors()
        error = SupervisorGaveUp(
            f"supervisor {core.path} gave up: {reason}",
            path=core.path,
            child=slot.core.path,
            history=core.limit.history,
        )
        error.__cause__ = errors[0] if errors else None
        slot.state = GIVEN_UP
        core.emit(events.GaveUp, slot.core.path, reason, core.limit.history)
        self.blame(slot, error)
        self.stop(because_of=slot)

    def _too_many(self, end: ChildEnd) -> str:
        limit = self._core.limit
        so_far = restarts(len(limit.history) - 1)
        return (
            f"after {so_far} within {limit.period:g} seconds, "
            f"worker {end.path} {end.cause} {after_running(end.uptime)}"
        )

    # --- restarts --------------------------------------------------------------------------------

    def bring_up(self, slots: Sequence[SupervisedSlot], at: float) -> None:
        """Brings some children up, not before ``at``, after those that run have been stopped."""
        if self._core.strategy is Strategy.ONE_FOR_ONE:
            restarting = slots[0].restarting
        else:
            restarting = next(iter(self.restartings), None)
        if restarting is None:
            restarting = Restarting(self)
            self.restartings[restarting] = None
        restarting.take_in(slots, at)

    def _start_next(self) -> None:
        """Goes on with the restarts that can go on, and with the first starts."""
        self._starts_left = STARTS_PER_STEP
        if self.restartings and self._core.is_going_down():
            self._call_off()
        for _ in range(len(self._due)):  # those that come in meanwhile wait for the next step
            if self._life.stop_asked or self.roll.ended:
                return
            restarting = self._due.popleft()
            restarting.is_due = False
            if restarting in self.restartings and restarting.go_on():
                restarting.end()
                del self.restartings[restarting]
        if not self.restartings or self._core.strategy is Strategy.ONE_FOR_ONE:
            super()._start_next()

    def _was_last_to_start(self, slot: Slot) -> bool:
        return not self.restartings and super()._was_last_to_start(slot)

    def start_again(self, slot: SupervisedSlot) -> None:
        """Starts a child's next incarnation."""
        self._starts_left -= 1
        is_first = slot.core.life is None and slot.making_error is None
        slot.restarts += not is_first
        self._core.restarts += not is_first
        slot.begin_anew()
        try:
            if not is_first:
                slot.note_loss()
                self._core.renew(slot)
        except BaseException as error:
            slot.making_error = error
            self.roll.enter(slot)
            self.roll.leave(slot)
        else:
            self._start(slot)

    def may_start_another(self) -> bool:
        """Returns whether this step of the loop may start one more child."""
        return self._starts_left > 0

    def ask(self, slot: SupervisedSlot) -> None:
        """Asks a child to stop, once."""
        if not slot.asked:
            slot.asked = True
            slot.turn(STOPPING)
            ask(slot, inf)

    def stop_begun(self) -> None:
        """Calls everything off that was on its way: nobody is restarted any more."""
        self._call_off()
        for slot in tuple(self._core.supervised()):
            if slot.fall_back is Goal.GONE and slot.core.life is None and not slot.is_alive:
                self._core.drop(slot)  # its add_child() has just been told that it was not added
                continue
            hands_back = not slot.is_alive and self._core.inherits_from(slot.core)
            slot.core.no_next_life(hands_back=hands_back)
        super().stop_begun()

    def _call_off(self) -> None:
        """Lets those stay down who were to be restarted."""
        for restarting in self.restartings:
            restarting.end()
        self.restartings.clear()
        self._due.clear()
        for slot in self._core.supervised():
            if not slot.is_alive:
                slot.state = STOPPED if slot.state is RESTARTING else slot.state
                slot.tell_up(WorkerStartError(_not_up(slot, "its supervisor is stopping")))

    # --- what users ask for ----------------------------------------------------------------------

    def starts_at_once(self) -> bool:
        """Returns whether a child that is added now waits for nobody."""
        is_alone = self._core.strategy is Strategy.ONE_FOR_ONE
        return self.line.is_done and (is_alone or not self.restartings)

    def child_added(self, slot: Slot) -> None:
        """Starts a new child at once; while the first ones start, or others restart, after them."""
        assert isinstance(slot, SupervisedSlot)
        self.roll.adopt((slot,))
        if self.line.is_done and not slot.is_alive and not slot.is_news:
            self.bring_up((slot,), self.now())
        elif not slot.is_alive:
            self.line.join(slot)
        self.roll.news.set()

    def take_down(self, slot: SupervisedSlot, goal: Goal) -> None:
        """Stops a child, and keeps or drops its place."""
        if slot.fall_back is Goal.GONE:  # whoever is adding it is told that it was not added
            goal = Goal.GONE
        if slot.goal is not Goal.GONE:
            self._core.set_goal(slot, goal)
        if slot.restarting is not None:
            slot.restarting.leave(slot)
        if slot.is_alive:
            slot.core.no_next_life()
            self.ask(slot)
        elif not slot.is_news:
            slot.state = STOPPED
            self._came_down(slot)
            slot.tell_up(_why_not_up(slot))
        self.roll.news.set()  # others may be all that is needed now

    def restart(self, slot: SupervisedSlot) -> None:
        """Stops a child if it runs, and starts it, without a wait; what was counted is forgiven."""
        if slot.goal is Goal.DOWN:
            self._core.set_goal(slot, Goal.UP)
            slot.fall_back = Goal.DOWN
        slot.streak = 0
        if slot.state is WAITING:  # its first turn will come
            return
        if slot.is_news:  # what it ended of does not matter any more
            slot.asked = True
        elif slot.state is STOPPED:  # what it comes up with may still have to wait
            slot.state = WAITING if slot.core.life is None else RESTARTING
        self.bring_up((slot,), self.now())
        assert slot.restarting is not None
        slot.restarting.set_time(self.now())

    # --- for restarts ----------------------------------------------------------------------------

    def due(self, restarting: Restarting) -> None:
        """Will look at a restart in the next step."""
        self._due.append(restarting)
        self.roll.news.set()

    def now(self) -> float:
        """Returns the time on the loop's clock."""
        return self._life.loop.time()

    def call_at(self, at: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Calls ``action`` at an instant of the loop's clock."""
        return self._life.loop.call_at(at, action)


def _why_not_up(slot: SupervisedSlot) -> BaseException:
    """Returns what those get raised who waited for a child's start, which has failed."""
    errors = slot.errors()
    if errors and not slot.asked:
        return presentable(slot, errors[0])
    return WorkerStartError(_not_up(slot, "it was stopped" if slot.asked else slot.cause()))


def _not_up(slot: SupervisedSlot, why: str) -> str:
    return f"worker {slot.core.path} did not start: {why}"
