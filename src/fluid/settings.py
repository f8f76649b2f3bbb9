"""Defaults, and the checks that every number from a user passes through."""

from __future__ import annotations

import os
from math import nan

from .errors import FluidValueError

GRACE_PERIOD_VARIABLE = "FLUID_STOPPING_GRACE_PERIOD"
"""The only variable of the environment that a constructor ever reads."""

DEFAULT_GRACE_PERIOD = 10.0
"""Seconds from the request to stop until a worker is cancelled.

Source: the platform's budget is 30 s on Kubernetes and 10 s for ``docker stop``.
"""

STILL_STARTING_PERIOD = 10.0
"""Seconds after which a start that is not over is reported, again and again."""


def default_grace_period() -> float:
    """Returns ``FLUID_STOPPING_GRACE_PERIOD`` in seconds, else 10.

    Raises:
        FluidValueError: If the variable is set and is not a number of seconds.
    """
    text = os.environ.get(GRACE_PERIOD_VARIABLE)
    if text is None:
        return DEFAULT_GRACE_PERIOD
    try:
        value = float(text)
    except ValueError:
        raise FluidValueError(
            f"environment variable {GRACE_PERIOD_VARIABLE} is not a number of seconds: {text!r}"
        ) from None
    return duration(f"environment variable {GRACE_PERIOD_VARIABLE}", value)


def duration(subject: str, value: float, *, of: str | None = None) -> float:
    """Returns ``value`` if it is a duration: a number of seconds, zero or more.

    Raises:
        FluidValueError: If it is not; the message starts with ``subject``, and says that it is
            that of worker ``of``.
    """
    if value.__class__ is float and value >= 0.0:  # what it nearly always is
        return value
    if not _as_float(value) >= 0.0:
        subject = subject if of is None else f"{subject} of worker {of!r}"
        raise FluidValueError(f"{subject} is not a number of seconds, zero or more: {value!r}")
    return value


def _as_float(value: object) -> float:
    """Returns a number as a float, and NaN for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nan
    try:
        return float(value)
    except OverflowError:
        return nan
