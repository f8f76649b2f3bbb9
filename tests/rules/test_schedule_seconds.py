"""The very last second before a change of the clock, and the very first after it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fluid.rules.schedules.times import times_of

BERLIN = ZoneInfo("Europe/Berlin")
FORWARD = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
"""From 1:59:59 to 3:00:00."""
BACK = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
"""From 2:59:59 to 2:00:00."""
HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("expression", "after", "found"),
    [
        ("59 59 1 * * *", FORWARD - 1, FORWARD - 1 + DAY - HOUR),
        ("59 59 * * * *", FORWARD - 1, FORWARD - 1 + HOUR),
        ("59 59 2 * * *", BACK - 1, BACK - 1 + DAY + HOUR),
    ],
    ids=["the last that there is", "one that comes each hour", "the last that comes twice"],
)
def test_the_last_second_before_a_change_comes_once(
    expression: str, after: int, found: int
) -> None:
    assert times_of(expression, BERLIN).after(after) == found


@pytest.mark.parametrize(
    ("expression", "after", "until", "count"),
    [
        ("59 59 1 * * *", FORWARD - 100, FORWARD + 100, 1),
        ("1 0 2,3 * * *", FORWARD - 1, FORWARD + 5, 2),
        ("59 59 2 * * *", BACK + 100, BACK + HOUR + 10, 0),
    ],
    ids=["the last before it", "the first after it", "the last that has come before"],
)
def test_the_seconds_around_a_change_are_counted_as_they_come(
    expression: str, after: int, until: int, count: int
) -> None:
    assert times_of(expression, BERLIN).count(after, until) == count
