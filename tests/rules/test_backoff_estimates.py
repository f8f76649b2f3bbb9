"""Waits that grow so slowly that nobody sums them up: the estimate is as good as the sum."""

from __future__ import annotations

from sys import float_info

import pytest

from fluid import Backoff
from fluid.rules.backoff import SUMMED


def test_the_estimate_for_waits_that_still_grow_is_near_their_sum() -> None:
    slow = Backoff(initial=1, factor=1.00002, maximum=10, jitter=0)
    attempts = 2 * SUMMED
    total = sum(slow.base(number) for number in range(1, attempts + 1))
    assert slow.least(attempts) == pytest.approx(total, rel=0.05)


def test_the_estimate_has_the_waits_grow_to_the_maximum_and_no_further() -> None:
    slow = Backoff(initial=1, factor=1.0001, maximum=3, jitter=0)
    attempts = 3 * SUMMED
    total = sum(slow.base(number) for number in range(1, attempts + 1))
    assert slow.least(attempts) == pytest.approx(total, rel=0.05)


def test_the_largest_factor_is_the_largest_float() -> None:
    """I02"""
    assert Backoff(factor=float_info.max).base(2) == 30.0
