"""A worker around a schedule: calls a function when that says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from ...errors import FluidValueError
from ...rules.backoff import Backoff
from ...rules.schedules.policies import Missed, Overlap
from ...rules.schedules.schedule import Schedule
from ..base import Worker
from ..hooks import checked_handler
from .core import PeriodicCore
from .fire import takes_fire
from .firing import Firing

Errors: TypeAlias = Literal["fail", "continue"] | Backoff


class PeriodicWorker(Worker):
    """Awaits a function, or its own ``on_fire``, whenever its schedule says so.

    ::

        import asyncio

        from fluid import PeriodicWorker, every


        class Ticker(PeriodicWorker):
            schedule = every(0.1)

            async def on_fire(self) -> None:
                print("tick")


        async def main() -> None:
            async with Ticker():
                await asyncio.sleep(0.25)


        asyncio.run(main())

    The rate is fixed: how long a call takes moves no later one. A stop ends the wait for the next
    fire at once, and gives a call that runs the grace period. When the schedule is over, the worker
    ends by itself.

    From ``overlap`` on, and ``schedule``, each option is an argument, or an attribute of that name
    in a subclass.

    Args:
        on_fire: The function to await; it takes no argument, or a :class:`Fire`. None if a subclass
            has a method of that name.
        schedule: ``every(...)`` or ``cron(...)``. None if a subclass has it.
        name: The name of the function by default, else as for every worker.
        stopping_grace_period: As for every worker; the seconds that a call which runs has at a
            stop.
        overlap: What becomes of a fire that is due while a call still runs: ``Overlap.SKIP``,
            ``Overlap.QUEUE_ONE`` or ``Overlap.concurrent(n)``. SKIP unless given.
        missed: What becomes of fires whose time has passed: ``Missed.SKIP``, ``Missed.ONCE`` or
            ``Missed.all(n)``. ONCE unless given.
        errors: What becomes of an ``Exception`` from a call: "fail" ends the worker, "continue"
            waits for the next fire, a ``Backoff`` calls again after its wait, until it succeeds,
            while fires that come due overlap. "fail" unless given.
        seed: Where the chance in jitter and waits begins, to get the same again; None for anywhere.

    Raises:
        FluidValueError: If there is no function or no schedule, or an option cannot work.
    """

    schedule: Schedule
    overlap: Overlap = Overlap.SKIP
    missed: Missed = Missed.ONCE
    errors: Errors = "fail"
    seed: int | None = None

    on_fire: Callable[..., Awaitable[Any]]

    _worker_core_type = PeriodicCore
    _worker: PeriodicCore

    def __init__(
        self,
        on_fire: Callable[..., Awaitable[Any]] | None = None,
        schedule: Schedule | None = None,
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        overlap: Overlap | None = None,
        missed: Missed | None = None,
        errors: Errors | None = None,
        seed: int | None = None,
    ) -> None:
        name = name or _name_of(on_fire)
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        given = {
            "on_fire": on_fire,
            "schedule": schedule,
            "overlap": overlap,
            "missed": missed,
            "errors": errors,
            "seed": seed,
        }
        self.__dict__.update({key: value for key, value in given.items() if value is not None})
        _check(self)

    def reschedule(self, schedule: Schedule) -> None:
        """Goes on with another schedule, from now on.

        It counts from the last fire, or from the start if there was none: ``every(10)`` fires ten
        seconds after that, twenty, and so on, but never in the past. Nothing is fired twice and
        nothing counts as missed. On the loop's thread only.

        Args:
            schedule: ``every(...)`` or ``cron(...)``; its ``max_fires`` counts what has been fired
                before.

        Raises:
            FluidValueError: If it is no schedule.
        """
        _check_schedule(self._worker.name, schedule)
        self.schedule = schedule
        if self._worker.firing is not None:
            self._worker.firing.change(schedule)

    async def run(self) -> None:
        """Fires until the schedule is over or a stop is asked for.

        Cancellation: Goes to the calls that run; all of them have ended before it goes on.
        """
        core = self._worker
        assert core.life is not None
        core.firing = firing = Firing(self, core, core.life)
        core.tally = firing.tally
        await (firing.concurrently() if self.overlap.at_once > 1 else firing.one_by_one())

    async def status(self) -> dict[str, Any]:
        """Returns what every worker says, with ``timer``: the schedule, counts and times.

        Times of day are in UTC, lateness in seconds, and the counts are those since the start.

        Cancellation: Safe.
        """
        return {**await super().status(), **self._worker.own_facts(self)}


def _check(worker: PeriodicWorker) -> None:
    name = worker._worker.name
    subject = f"of worker {name!r}"
    if isinstance(getattr(worker, "on_fire", None), Schedule):
        raise FluidValueError(
            f"on_fire {subject} is a schedule: {worker.on_fire!r}; the function comes first, and a "
            f"subclass that has its own takes  schedule={worker.on_fire!r}"
        )
    checked_handler(getattr(worker, "on_fire", None), f"on_fire {subject}")
    takes_fire(worker.on_fire, f"on_fire {subject}")
    _check_schedule(name, getattr(worker, "schedule", None))
    if not isinstance(worker.overlap, Overlap):
        raise FluidValueError(
            f"overlap {subject} is neither Overlap.SKIP, Overlap.QUEUE_ONE nor "
            f"Overlap.concurrent(n): {worker.overlap!r}"
        )
    if not isinstance(worker.missed, Missed):
        raise FluidValueError(
            f"missed {subject} is neither Missed.SKIP, Missed.ONCE nor Missed.all(n): "
            f"{worker.missed!r}"
        )
    if worker.errors not in ("fail", "continue") and not isinstance(worker.errors, Backoff):
        raise FluidValueError(
            f"errors {subject} is neither 'fail', 'continue' nor a Backoff(...): {worker.errors!r}"
        )
    if not isinstance(worker.seed, int | None):
        raise FluidValueError(f"seed {subject} is not a whole number: {worker.seed!r}")


def _check_schedule(name: str, schedule: object) -> None:
    if isinstance(schedule, Schedule):
        return
    if schedule is None:
        raise FluidValueError(
            f"worker {name!r} has no schedule; give it one, as in  "
            f"PeriodicWorker(function, every(5))"
        )
    hints = {str: f"cron({schedule!r})", int: f"every({schedule!r})", float: f"every({schedule!r})"}
    raise FluidValueError(
        f"schedule of worker {name!r} is neither every(...) nor cron(...): {schedule!r}; "
        f"for instance  {hints.get(type(schedule), 'every(5)')}"
    )


def _name_of(function: object) -> str:
    """Returns what a function is called, if it has a name of its own."""
    name = getattr(function, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else ""
