"""Makes a failing schedule small: what remains is what the failure needs.

A schedule is FIFO plus a list of deviations and faults, so to shrink it is to leave some of them
out and to look whether it still fails in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeAlias, TypeVar

from .report import leaves
from .schedule import Policy, Schedule
from .simulate import Run

T = TypeVar("T")

Choices: TypeAlias = Sequence[tuple[int, int]]

PREFIX = 60
"""Characters of a message that two failures must share to count as the same."""

MAX_RUNS = 800
"""Schedules tried at the most; a failure takes a fraction of a second to shrink."""

MAX_STEPS = 2_000_000
"""Steps that they may take together: some seconds, also if one run ticks until its horizon."""


def same_failure(error: BaseException | None, other: BaseException | None) -> bool:
    """Returns whether two errors are of one type and begin alike, numbers apart."""
    return _signature(error) == _signature(other)


def _signature(error: BaseException | None) -> tuple[type, str]:
    text = str(next(leaves(error), error))  # a group says nothing about what is in it
    return type(error), _NUMBER.sub("0", text)[:PREFIX]


_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
"""Addresses are numbers too."""


def shrink(failed: Run, attempt: Callable[[Schedule], Run], max_runs: int = MAX_RUNS) -> Schedule:
    """Returns a schedule with as few deviations and faults as could be found.

    Args:
        failed: The failing run, with its choices recorded.
        attempt: Runs a schedule, and records its choices.
        max_runs: How often it may do so, beside the plain run.
    """
    left = [min(max_runs, MAX_STEPS // max(failed.steps, 1))]

    def fails(schedule: Schedule) -> bool:
        left[0] -= 1
        return left[0] >= 0 and same_failure(attempt(schedule).error, failed.error)

    best = replace(failed.schedule, choices=failed.deviations)
    if not fails(best):  # it depends on more than its schedule; a report says so
        return failed.schedule
    best = _with_choices(_shortest_prefix, best, fails)
    near = islice(_one_deviation(best, failed, attempt), max_runs // 2)
    best = _with_choices(_fewest, next(filter(fails, near), best), fails)
    strikes = _fewest(best.strikes, lambda some: fails(replace(best, strikes=tuple(some))))
    best = _with_choices(_fewest, replace(best, strikes=tuple(strikes)), fails)
    return best if best.choices else replace(best, policy=Policy.FIFO, choices=None)


def _one_deviation(
    best: Schedule, failed: Run, attempt: Callable[[Schedule], Run]
) -> Iterator[Schedule]:
    """Yields FIFO, and the schedules with one deviation, which is as much as most failures need.

    On the way from many deviations to one it would easily be lost, because to leave one out gives
    other numbers to the choices after it. Those come first that deviate where ``best`` last does.
    """
    plain = attempt(replace(best, choices=()))
    yield plain.schedule
    where = _last(best) / max(len(failed.choices), 1)
    yield from sorted(
        plain.neighbours(), key=lambda one: abs(_last(one) / len(plain.choices) - where)
    )


def _last(schedule: Schedule) -> int:
    return schedule.choices[-1][0] if schedule.choices else 0


def _with_choices(
    fewer: Callable[[Choices, Callable[[Choices], bool]], Choices],
    schedule: Schedule,
    fails: Callable[[Schedule], bool],
) -> Schedule:
    def still_fails(some: Choices) -> bool:
        return fails(replace(schedule, choices=tuple(some)))

    return replace(schedule, choices=tuple(fewer(schedule.choices or (), still_fails)))


def _fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Returns as few of ``items`` as still fail: first a prefix, then without chunk after chunk.

    Source: delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
    Input"), after a bisection of the prefix, since what follows the failure cannot have caused it.
    """
    if not items or fails(items[:0]):
        return items[:0]
    items = _shortest_prefix(items, fails)
    size = len(items) // 2
    while size:
        start = 0
        while start < len(items):
            fewer = (*items[:start], *items[start + size :])
            if fails(fewer):
                items = fewer
            else:
                start += size
        size //= 2
    return items


def _shortest_prefix(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    low, high = 0, len(items)  # items[:low] passes, items[:high] fails
    while high - low > 1:
        middle = (low + high) // 2
        if fails(items[:middle]):
            high = middle
        else:
            low = middle
    return items[:high]
