"""Runs one scenario under many schedules, and makes the best of the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from random import Random
from types import TracebackType
from typing import Any

from ..run import nothing_older_collected
from .marks import judged_together
from .report import ExplorationError, NotDeterministicError, failure_report
from .schedule import Schedule
from .shrink import same_failure, shrink
from .simulate import Conditions, Run, prepared, quiet, simulate
from .tally import TOTAL, Tally

CHECK_EVERY = 100
"""Every so many schedules, one is run again, and every step has to be the same."""

CHECKS = 3
"""How often it is run again: of two orders that a set can have, one in two runs shows the other."""


class Explorer:
    """Runs a scenario again and again, counts, and raises a report for the first failure.

    A context manager: log records are off inside, and at its end the marks are looked at.

    Args:
        scenario: An async function that takes a :class:`Simulation`, or nothing.
        conditions: What all runs have in common.

    Attributes:
        tally: What was explored so far.
    """

    def __init__(
        self, scenario: Callable[..., Coroutine[Any, Any, object]], conditions: Conditions
    ) -> None:
        self.name: str = getattr(scenario, "__qualname__", repr(scenario))
        self.tally: Tally = Tally()
        self._scenario = prepared(scenario)
        self._conditions = conditions
        self._cleanup = ExitStack()

    def __enter__(self) -> Explorer:
        self._pool = self._cleanup.enter_context(judged_together(self.name))
        self._before = self._pool.schedules
        self._cleanup.enter_context(quiet(self._conditions))
        self._cleanup.enter_context(nothing_older_collected())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        TOTAL.add(self.tally)
        self._pool.add(self.tally)
        self._cleanup.__exit__(kind, error, traceback)

    def run(self, schedule: Schedule, *, record: bool = False) -> Run:
        """Runs one schedule.

        Raises:
            ExplorationError: If it fails.
            NotDeterministicError: If it goes differently when it is run again.
        """
        checks = (self._before + self.tally.schedules) % CHECK_EVERY == 0
        run = simulate(self._scenario, schedule, self._conditions, record=record)
        self.tally.count(run)
        if run.error is not None:
            raise self._failure(run) from run.error
        if checks:
            self._check(schedule)
        return run

    def _check(self, schedule: Schedule) -> None:
        first = self._watched(schedule)
        for salt in range(1, CHECKS):
            with scattered_memory(salt):
                again = self._watched(schedule)
            if first.digest != again.digest:
                raise self._not_deterministic(schedule, first, again)

    def _recorded(self, schedule: Schedule) -> Run:
        return simulate(self._scenario, schedule, self._conditions, record=True)

    def _watched(self, schedule: Schedule) -> Run:
        return simulate(self._scenario, schedule, self._conditions, record=True, keep=None)

    def _failure(self, failed: Run) -> Exception:
        found = self._watched(failed.schedule)
        if not same_failure(found.error, failed.error):
            return self._other_failure(failed, found)
        small = shrink(found, self._recorded)
        shrunk = self._watched(small)
        if not same_failure(shrunk.error, failed.error):
            small, shrunk = found.schedule, found
        report = failure_report(self.name, found, shrunk, self.tally.schedules)
        return ExplorationError(report, found.schedule, small, shrunk)

    def _other_failure(self, failed: Run, found: Run) -> NotDeterministicError:
        return NotDeterministicError(
            f"{self.name} failed in schedule {failed.schedule} with {failed.error!r}, and when it "
            f"was run again with {found.error!r}: it depends on something that no schedule decides"
        )

    def _not_deterministic(self, schedule: Schedule, one: Run, other: Run) -> NotDeterministicError:
        for first, again in zip(one.last, other.last, strict=False):
            if first != again:
                where = f"first it took\n  {first}\nand then\n  {again}"
                break
        else:
            where = f"first it took {one.steps} steps, and then {other.steps}"
        return NotDeterministicError(
            f"{self.name} went two ways in schedule {schedule}: {where}\n"
            f"It depends on something that no schedule decides: the order of a set, id(), time(), "
            f"random, or state that one run leaves to the next."
        )


@contextmanager
def scattered_memory(salt: int) -> Iterator[None]:
    """Gives new objects addresses in another order than usual, by taking every second free place.

    A set of tasks is in the order of their addresses. Those repeat from run to run, as long as the
    runs are alike, and a program that depends on them would seem to depend on nothing.
    """
    places: list[bytes | None] = [bytes(size) for size in range(0, 512, 16) for _ in range(64)]
    for place in _every_second(len(places), salt):
        places[place] = None
    try:
        yield
    finally:
        places.clear()


@cache
def _every_second(count: int, salt: int) -> tuple[int, ...]:
    """Returns half of ``count`` numbers, in an order by chance."""
    numbers = list(range(count))
    Random(salt).shuffle(numbers)
    return tuple(numbers[::2])
