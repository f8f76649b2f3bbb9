"""A hundred schedules, and how often they fire: counted by a calendar, minute by minute.

Nothing here knows how fluid finds the next time of an expression.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fluid import cron, every
from fluid.rules.schedules.every import Every
from fluid.testing.wall_clock import START

MINUTE, HOUR, DAY = 60, 3600, 86_400

CRONS = (
    "{m} * * * *", "{m} {h} * * *", "{m} {h} * * 1-5", "{m} {h} 1,15 * *", "{m} */6 * * *",
    "{m} {h},23 * * 0", "*/20 {h} * * *", "{m} 9-17 * * 2", "{m} {h} 3 1-6 *", "{m},59 {h} * 1,7 *",
)  # fmt: skip
"""Patterns of expressions, each for several minutes and hours."""


def hundred() -> list[Any]:
    """Returns a hundred schedules of all kinds."""
    crons = [
        cron(pattern.format(m=(7 * number) % 60, h=(5 * number) % 23))
        for number in range(7)
        for pattern in CRONS
    ]
    rates = [every(1800 + 677 * number) for number in range(15)]
    later = [every(3600 + 911 * number, first="after") for number in range(5)]
    return [*crons, *rates, *later, *(every(HOUR * n, first="aligned") for n in range(1, 11))]


def counted(schedule: Any, days: int, minutes: list[tuple[int, ...]]) -> int:
    """Returns how often a schedule fires in so many days: by the clock face, or by division."""
    if isinstance(schedule, Every):
        begin, period = START if schedule.first == "aligned" else 0, int(schedule.period)
        return (begin + days * DAY) // period - begin // period + (schedule.first == "now")
    fields = schedule.expression.split()
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    wanted = [numbers_in(*pair) for pair in zip(fields, ranges, strict=True)]
    a, b, c, d, e = wanted
    return sum(
        minute in a and hour in b and day in c and month in d and weekday in e
        for minute, hour, day, month, weekday in minutes
    )


def numbers_in(field: str, limits: tuple[int, int]) -> set[int]:
    """Returns the numbers that a field of a cron expression names."""
    found: set[int] = set()
    for part in field.split(","):
        numbers, _, step = part.partition("/")
        first, _, last = numbers.partition("-")
        low, high = limits if first == "*" else (int(first), int(last or first))
        found.update(range(low, high + 1, int(step or 1)))
    return found


def minutes_of(days: int) -> list[tuple[int, ...]]:
    """Returns what a clock and a calendar show in each minute after the first, in UTC."""
    return [
        (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
        for at in (
            datetime.fromtimestamp(START + MINUTE * number, UTC)
            for number in range(1, days * DAY // MINUTE + 1)
        )
    ]
