"""What the tests of bad arguments share: makers of children, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from fluid import FluidValueError, Worker
from tests.worker.group_cast import Idle


def poller() -> Worker:
    return Idle(name="poller")


async def async_poller() -> Worker:
    return poller()


def refusal(make: Any, *args: Any, **options: Any) -> str:
    """Returns what is said to whoever calls ``make`` so."""
    with pytest.raises(FluidValueError) as refused:
        make(*args, **options)
    return str(refused.value)
