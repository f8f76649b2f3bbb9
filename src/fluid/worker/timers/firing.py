"""One life of a periodic worker: waits for what its schedule says, and calls the function.

What is due, and what became of what was not called, is decided in ``rules/schedules/course.py``;
here are the waits and the calls.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any

from ... import events, tasks
from ...clock import clock_of, local_zone, wall_clock_of
from ...errors import FluidValueError
from ...record import Record
from ...rules.backoff import Backoff
from ...rules.schedules.course import Course, Slot
from ...rules.schedules.moment import Moment
from ...rules.schedules.policies import Overlap
from ..crew import Crew
from ..exit import error_as_dict
from ..hooks import explain, was_taught
from ..waits import settle
from .alarms import LOOK_AGAIN, Alarms, alarms_of

if TYPE_CHECKING:
    from ...rules.schedules.schedule import Schedule
    from ..life import Life
    from .core import PeriodicCore
    from .periodic import PeriodicWorker

_CHANCE = Random()
"""Where chance comes from for all who did not ask for a seed of their own."""


class Fire(Record):
    """One fire of a periodic worker, as its function may take it."""

    number: int
    """1 for the first one since the worker was started."""
    due: datetime
    """When the schedule says, without jitter: in UTC."""
    missed: int
    """How many fires right before this one were given up because their time had passed."""


class Firing:
    """What one life of a periodic worker does."""

    __slots__ = (
        "_alarms",
        "_core",
        "_life",
        "_random",
        "_takes_fire",
        "_time",
        "_waiting",
        "_wall_time",
        "course",
        "failed",
        "last_error",
        "last_fire",
        "late",
        "latest",
        "worker",
    )

    def __init__(self, worker: PeriodicWorker, core: PeriodicCore, life: Life) -> None:
        self.worker: PeriodicWorker = worker
        self._core: PeriodicCore = core
        self._life: Life = life
        self._alarms: Alarms = alarms_of(life.loop)
        self._time: Callable[[], float] = clock_of(life.loop)
        self._wall_time: Callable[[], float] = wall_clock_of(life.loop)
        self._takes_fire: bool = takes_fire(worker.on_fire, "on_fire")
        self._random: Random = _CHANCE if worker.seed is None else Random(worker.seed)
        self._waiting: asyncio.Future[bool] | None = None
        self.course: Course = Course(
            worker.schedule,
            worker.missed,
            worker.tolerance,
            self._random,
            self._moment(worker.schedule),
        )
        self.failed: int = 0
        """Calls that have raised."""
        self.last_fire: float | None = None
        """The time of day when the last one began."""
        self.last_error: dict[str, Any] | None = None
        self.late: float = 0.0
        """Seconds by which fires began late, of all together."""
        self.latest: float = 0.0
        """And of the worst."""

    def now(self) -> Moment:
        """Returns the time."""
        return self._moment(self.course.schedule)

    def _moment(self, schedule: Schedule) -> Moment:
        zone = local_zone(self._life.loop) if schedule.is_local else None
        return Moment(self._time(), self._wall_time(), zone)

    def change(self, schedule: Schedule) -> None:
        """Goes on with another schedule."""
        self.course.change(schedule, self._moment(schedule))
        self._wake()

    # --- the loops -------------------------------------------------------------------------------

    async def one_by_one(self) -> None:
        """Calls, one after the other, until the schedule is over or a stop is asked for."""
        course, keeps_one = self.course, self.worker.overlap == Overlap.QUEUE_ONE
        while await self._until_next():
            now = self.now()
            slots = self._due(now)
            while slots:
                await self._call(self._begin(slots.pop(0), now))
                if self._life.stop_asked or course.is_used_up:
                    return
                slots = slots or course.overlapped(self.now(), keeps_one=keeps_one)
                if slots:
                    await tasks.pause()  # nobody else had a turn if the function did not wait
                    now = self.now()

    async def concurrently(self) -> None:
        """Calls, several at a time, until the schedule is over or a stop is asked for."""
        crew = Crew(self._life, leave=self._core.left_alone, on_end=self._wake)
        slots: list[Slot] = []
        try:
            while await self._until_next(or_end_of_a_call=bool(slots)) and self._goes_on(crew):
                now = self.now()
                slots = self._admit(slots, self._due(now), now, crew)
        except asyncio.CancelledError:
            crew.interrupted()
            await crew.ended()
            raise
        await crew.ended()

    def _goes_on(self, crew: Crew) -> bool:
        return not (self._life.stop_asked or crew.has_failed or self.course.is_used_up)

    def _admit(self, waiting: list[Slot], due: list[Slot], now: Moment, crew: Crew) -> list[Slot]:
        """Begins as many as there is room for; returns those that are still to be made up for."""
        course, room = self.course, self.worker.overlap.at_once - len(crew)
        if len(due) == 1 and room <= len(waiting):
            course.skipped += 1
        else:
            waiting += due
        for slot in waiting[:room]:
            if course.is_used_up:
                break
            call = self._call_alone(self._begin(slot, now), crew)
            crew.spawn(call, f"{self._core.name} {course.fires}")
        return waiting[room:]

    async def _call_alone(self, arguments: tuple[Fire, ...], crew: Crew) -> None:
        try:
            await self._call(arguments)
        except BaseException as error:
            crew.note(error)

    def _due(self, now: Moment) -> list[Slot]:
        course = self.course
        before = course.missed
        slots = course.due(now)
        if course.missed > before:
            self._core.emit(events.FiresMissed, course.missed - before)
        return slots

    async def _until_next(self, *, or_end_of_a_call: bool = False) -> bool:
        """Waits until the next fire is due, or there is news; returns False if it is over."""
        life, schedule, at = self._life, self.course.schedule, self.course.next_at
        if at is None and or_end_of_a_call:
            at = inf
        if life.stop_asked or at is None:
            return False
        by_wall_clock = schedule.by_wall_clock
        if schedule.is_local:  # whose zone may change
            at = min(at, self._wall_time() + LOOK_AGAIN)
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

    # --- one call --------------------------------------------------------------------------------

    def _begin(self, slot: Slot, now: Moment) -> tuple[Fire, ...]:
        """Counts a fire; returns what the function is called with."""
        course = self.course
        course.fires += 1
        self.last_fire = now.wall
        late = course.lateness(slot, now)
        self.late += late
        self.latest = max(self.latest, late)
        if not self._takes_fire:
            return ()
        due = datetime.fromtimestamp(course.wall_time_of(slot.scheduled, now), UTC)
        return (Fire(course.fires, due, slot.missed),)

    async def _call(self, arguments: tuple[Fire, ...]) -> None:
        """Calls the function, and again after an error if that was asked for.

        A mistake that every call would make ends the worker in any case.
        """
        attempt = 0
        wait: float | None = 0.0
        while wait is not None and (not attempt or await self._life.sleep(wait)):
            attempt += 1
            try:
                await self.worker.on_fire(*arguments)
                return
            except Exception as error:
                explain(error, "on_fire", self.worker.on_fire)
                self._note(error)
                if self.worker.errors == "fail" or was_taught(error):
                    raise
                wait = self._until_next_attempt(attempt)
                self._core.emit(events.FireFailed, error, wait)

    def _note(self, error: Exception) -> None:
        self.failed += 1
        self.last_error = {**error_as_dict(error), "at": _iso(self._wall_time())}

    def _until_next_attempt(self, attempt: int) -> float | None:
        """Returns the seconds until the function is called again, None if it is not."""
        policy = self.worker.errors
        return policy.wait(attempt, self._random) if isinstance(policy, Backoff) else None

    # --- what there is to say --------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """Returns how it is doing, as JSON-able data."""
        course, now = self.course, self.now()
        is_alive = self._life.outcome is None and not self._life.stop_asked
        upcoming = course.next_at if is_alive else None
        if upcoming is not None:
            upcoming = course.wall_time_of(upcoming, now)
        mean = self.late / course.fires if course.fires else 0.0
        return {
            "schedule": str(course.schedule),
            "last_fire": _iso(self.last_fire),
            "next_fire": _iso(upcoming),
            "fires": course.fires,
            "missed": course.missed,
            "skipped": course.skipped,
            "failed": self.failed,
            "last_error": self.last_error,
            "lateness": {"mean": mean, "worst": self.latest},
        }


def _iso(wall: float | None) -> str | None:
    return None if wall is None else datetime.fromtimestamp(wall, UTC).isoformat()


def takes_fire(function: Callable[..., Any], subject: str) -> bool:
    """Returns whether a function wants the :class:`Fire`: it has one parameter without a default.

    Raises:
        FluidValueError: If it cannot be called with the fire, nor with nothing.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of something built in, which nobody can look into
        return False
    needed = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if len(needed) > 1 or any(parameter.kind is parameter.KEYWORD_ONLY for parameter in needed):
        names = ", ".join(parameter.name for parameter in needed)
        raise FluidValueError(
            f"{subject} needs arguments that nobody gives it: {names}; "
            f"it is called with the fire, or with nothing"
        )
    return bool(needed)
