"""Numbers of seconds: one rule for all that a user may set, and what breaks it is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fluid.testing
from fluid import FluidValueError, Mailbox, WorkerFunction, Workers
from tests.worker.fakes import at_once
from tests.worker.group_cast import Idle
from tests.worker.queue_cast import Taker


def with_attribute(name: str) -> Callable[[Any], object]:
    """Returns what starts a worker whose class sets a period."""

    def start(value: object) -> None:
        async def main() -> None:
            worker = Idle()
            setattr(worker, name, value)
            async with worker:
                pass

        fluid.testing.run(main)

    return start


async def get(timeout: Any) -> None:
    """Takes a message that waits already."""
    taker = Taker()
    taker.send("message")
    await taker.get_message(timeout)


DURATIONS: dict[str, Callable[[Any], object]] = {
    "stopping_grace_period": lambda value: Idle(stopping_grace_period=value),
    "heartbeat": lambda value: WorkerFunction(at_once, heartbeat=value),
    "heartbeat of group": lambda value: Workers(heartbeat=value),
    "cancel_period": with_attribute("cancel_period"),
    "cleanup_period": with_attribute("cleanup_period"),
    "start_timeout": with_attribute("start_timeout"),
    "timeout of put_threadsafe": lambda value: Mailbox().put_threadsafe("message", value),
    "timeout of get_message": lambda value: fluid.testing.run(lambda: get(value)),
}
NONE_IS_VALID = {"stopping_grace_period", "start_timeout", "timeout of put_threadsafe"}
"""Where no value at all means no limit, or the default."""


def is_duration(value: object) -> bool:
    """Returns whether a value is a number of seconds, zero or more: the rule, in other words."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == inf or 0 <= value <= sys.float_info.max


@pytest.mark.parametrize("field", DURATIONS)
@settings(max_examples=40, deadline=None)
@given(value=st.one_of(st.floats(), st.integers(), st.booleans(), st.text(), st.none()))
@example(value=inf)
@example(value=nan)
@example(value=-0.0)
@example(value=Decimal(5))
@example(value=10**400)
def test_a_duration_is_a_number_of_seconds_zero_or_more(field: str, value: object):
    """I10"""
    take = DURATIONS[field]
    if is_duration(value) or (value is None and field in NONE_IS_VALID):
        take(value)
        return
    with pytest.raises(FluidValueError) as caught:
        take(value)
    assert field in str(caught.value)
    assert repr(value) in str(caught.value)
