"""How long something has run, as a status shows it."""

from __future__ import annotations

import pytest

from fluid.worker.supervision.report import seconds


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (0, "0.0s"),
        (59.94, "59.9s"),
        (60, "1m 0s"),
        (185, "3m 5s"),
        (3599.9, "59m 59s"),
        (3600, "1h 0m"),
        (86_399, "23h 59m"),
        (86_400, "1d 0h"),
        (5 * 86_400 + 3 * 3600, "5d 3h"),
    ],
)
def test_two_units_are_enough(duration: float, words: str) -> None:
    assert seconds(duration) == words
