"""One life of a periodic worker: waits for what its schedule says, and calls the function.

What is due, and what became of what was not called, is decided in ``rules/schedules/course.py``;
here are the waits and the calls.
"""

from __future__ import annotations

import asyncio
from math import inf
from random import Random
from typing import TYPE_CHECKING

from ... import events, tasks
from ...rules.backoff import Backoff
from ...rules.schedules.course import Course, Slot
from ...rules.schedules.moment import Moment
from ...rules.schedules.policies import Overlap
from ...rules.schedules.set_back import LOOK_AGAIN
from ..crew import Crew
from ..hooks import explain, was_taught
from ..waits import settle
from .alarms import Alarms, alarms_of
from .fire import Fire, takes_fire
from .tally import Tally

if TYPE_CHECKING:
    from ...rules.schedules.schedule import Schedule
    from ...tracing.spans import CallSpans
    from ..life import Life
    from .core import PeriodicCore
    from .periodic import PeriodicWorker

_CHANCE = Random()
"""Where chance comes from for all who did not ask for a seed of their own."""


class Firing:
    """What one life of a periodic worker does, from the beginning of ``run`` to its end."""

    __slots__ = (
        "_admitted",
        "_alarms",
        "_core",
        "_course",
        "_life",
        "_random",
        "_spans",
        "_takes_fire",
        "_waiting",
        "_worker",
        "is_cut",
        "running",
        "tally",
    )

    def __init__(self, worker: PeriodicWorker, core: PeriodicCore, life: Life) -> None:
        self._worker: PeriodicWorker = worker
        self._core: PeriodicCore = core
        self._life: Life = life
        self._alarms: Alarms = alarms_of(life.loop)
        self._takes_fire: bool = takes_fire(worker.on_fire, "on_fire")
        self._random: Random = _CHANCE if worker.seed is None else Random(worker.seed)
        self._spans: CallSpans | None = None
        if life.trace is not None:
            from ...tracing.spans import CallSpans

            self._spans = CallSpans.of_fires(life.trace)
        self._waiting: asyncio.Future[bool] | None = None
        self.running: int = 0
        """How many calls run now."""
        self._admitted: int = 0
        """How many of those have not had their first step, and do not count as begun."""
        self.is_cut: bool = False
        """Whether all calls have to end now, because one has failed for instance."""
        schedule, clocks = worker.schedule, self._alarms.clocks
        self._course: Course = Course(schedule, worker.missed, self._random, clocks.now(schedule))
        self.tally: Tally = Tally(self._course, clocks, core.before)

    def change(self, schedule: Schedule) -> None:
        """Goes on with another schedule."""
        self._course.change(schedule, self._alarms.clocks.now(schedule))
        self._wake()

    # --- the loops -------------------------------------------------------------------------------

    async def one_by_one(self) -> None:
        """Calls, one after the other, until the schedule is over or a stop is asked for."""
        course, keeps_one = self._course, self._worker.overlap == Overlap.QUEUE_ONE
        while await self._until_next():
            now = self.tally.now()
            slots = self._due(now)
            while slots and not self._life.stop_asked:
                self.running = 1
                await self._call(self._begin(slots.pop(0), course.fires + 1, now))
                self.running = 0
                if self._life.stop_asked or course.is_used_up:
                    return
                slots = slots or course.overlapped(self.tally.now(), keeps_one=keeps_one)
                if slots:
                    await tasks.pause()  # nobody else had a turn if the function did not wait
                    now = self.tally.now()

    async def concurrently(self) -> None:
        """Calls, several at a time, until the schedule is over or a stop is asked for."""
        leave = self._core.left_alone
        crew = Crew(self._life, leave=leave, on_cut=self._cut, on_end=self._call_ended)
        slots: list[Slot] = []
        try:
            while await self._until_next(or_end_of_a_call=bool(crew)) and self._goes_on(crew):
                now = self.tally.now()
                slots = self._admit(slots, self._due(now), now, crew)
        except asyncio.CancelledError:
            crew.interrupted()
            await crew.ended()
            raise
        await crew.ended()

    def _goes_on(self, crew: Crew) -> bool:
        return not (self._life.stop_asked or crew.has_failed)

    def _admit(self, waiting: list[Slot], due: list[Slot], now: Moment, crew: Crew) -> list[Slot]:
        """Begins as many as there is room for; returns those that are still to be made up for."""
        course, room = self._course, self._worker.overlap.at_once - len(crew)
        if len(due) == 1 and room <= len(waiting):  # one that is on time has overlapped
            course.skipped += 1
        else:
            waiting += due
            beyond = max(len(waiting) - max(self._worker.missed.most, 1), 0)
            course.skipped += beyond  # else what waits could grow with each time that is missed
            del waiting[:beyond]
        begun = 0
        while begun < min(room, len(waiting)) and self._goes_on(crew):
            number = course.fires + self._admitted + 1
            if course.schedule.max_fires is not None and number > course.schedule.max_fires:
                break
            self._admitted += 1
            self.running += 1
            call = self._call_alone(waiting[begun], number, now, crew)
            crew.spawn(call, f"{self._core.name} {number}")
            begun += 1
        return waiting[begun:]

    async def _call_alone(self, slot: Slot, number: int, now: Moment, crew: Crew) -> None:
        self._admitted -= 1
        if self._life.stop_asked:  # before this task had its first step
            return
        try:
            await self._call(self._begin(slot, number, now))
        except BaseException as error:
            crew.note(error)

    def _due(self, now: Moment) -> list[Slot]:
        course = self._course
        before = course.missed
        slots = course.due(now)
        if course.missed > before:
            self._core.emit(events.FiresMissed, course.missed - before)
        return slots

    async def _until_next(self, *, or_end_of_a_call: bool = False) -> bool:
        """Waits until the next fire is due, or there is news; returns False if it is over."""
        life, schedule, at = self._life, self._course.schedule, self._course.next_at
        if at is None and or_end_of_a_call:
            at = inf
        if life.stop_asked or at is None:
            return False
        by_wall_clock = schedule.by_wall_clock
        if schedule.is_local:  # whose zone may change
            at = min(at, self._alarms.clocks.wall_time() + LOOK_AGAIN)
        self._waiting = waiter = life.stopping.enter(life.loop)
        alarm = self._alarms.set(at, waiter, by_wall_clock=by_wall_clock)
        try:
            await waiter
        finally:
            self._waiting = None
            self._alarms.drop(alarm, by_wall_clock=by_wall_clock)
            life.stopping.leave(waiter)
        return not life.stop_asked

    def _wake(self) -> None:
        if self._waiting is not None:
            settle(self._waiting, False)

    def _cut(self) -> None:
        self.is_cut = True

    def _call_ended(self) -> None:
        self.running -= 1
        self._wake()

    # --- one call --------------------------------------------------------------------------------

    def _begin(self, slot: Slot, number: int, now: Moment) -> tuple[Fire, ...]:
        """Counts a fire; returns what the function is called with."""
        self.tally.begin(slot, now)
        return (self.tally.fire(slot, number, now),) if self._takes_fire else ()

    async def _call(self, arguments: tuple[Fire, ...]) -> None:
        """Calls the function, and again after an error if that was asked for.

        A mistake that every call would make ends the worker in any case.
        """
        worker, attempt = self._worker, 0
        wait: float | None = 0.0
        while wait is not None and (not attempt or await self._life.sleep(wait)):
            if attempt and self._life.stop_asked:  # in the instant at which the wait was over
                return
            attempt += 1
            try:
                if self._spans is None:
                    await worker.on_fire(*arguments)
                else:
                    with self._spans.around():
                        await worker.on_fire(*arguments)
                return
            except Exception as error:
                explain(error, "on_fire", worker.on_fire)
                self.tally.fail(error)
                if worker.errors == "fail" or was_taught(error):
                    raise
                wait = self._until_next_attempt(attempt)
                self._core.emit(events.FireFailed, error, wait)

    def _until_next_attempt(self, attempt: int) -> float | None:
        """Returns the seconds until the function is called again, None if it is not."""
        policy = self._worker.errors
        if not isinstance(policy, Backoff) or self._life.stop_asked or self.is_cut:
            return None
        return policy.wait(attempt, self._random)
