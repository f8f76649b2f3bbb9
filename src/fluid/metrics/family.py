"""What a metric is: a row of the tables in ``of_trees.py``, ``of_messages.py``, ``of_timers.py``.

A row reads numbers that a worker has anyway. Whatever is said of one worker has its path as the
label ``worker``. Names follow Prometheus: base units, ``_total`` for what only grows.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = float | dict[str, float] | None
"""A number; or one for each value of the last label; or nothing to say at present."""

Reader: TypeAlias = Callable[[Any], Value]


class MetricType(StrEnum):
    """How a number moves."""

    COUNTER = "counter"
    """It only grows, over all restarts of a worker. Where a whole supervisor is restarted, what was
    counted of its children, and in children that it has made itself, begins anew."""
    GAUGE = "gauge"
    """It goes up and down."""


COUNTER, GAUGE = MetricType


class Family(NamedTuple):
    """One metric, for all whom it is about."""

    name: str
    """What it is called."""
    type: MetricType
    """How it moves."""
    unit: str
    """What it is counted in; empty where it is 0 or 1."""
    labels: tuple[str, ...]
    """What tells its numbers apart."""
    help: str
    """What it says, in a sentence."""
    read: Reader
    """Returns its value, of what its part of the table is about."""


ALL: tuple[str, ...] = ()
ONE: tuple[str, ...] = ("worker",)


def counter(name: str, unit: str, says: str, read: Reader, labels: tuple[str, ...] = ONE) -> Family:
    """Returns the row of a number that only grows."""
    return Family(name, COUNTER, unit, labels, says, read)


def gauge(name: str, unit: str, says: str, read: Reader, labels: tuple[str, ...] = ONE) -> Family:
    """Returns the row of a number that goes up and down."""
    return Family(name, GAUGE, unit, labels, says, read)
