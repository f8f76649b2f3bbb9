"""What the function of a periodic worker is called with, if it wants to know."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ...errors import FluidValueError
from ...record import Record


class Fire(Record):
    """One fire of a periodic worker, as its function may take it.

    It has ``number``, ``due`` and ``missed``.
    """

    number: int
    """1 for the first one since the worker was started."""
    due: datetime
    """When the schedule says, as an aware datetime in its time zone, UTC for ``every()``; jitter is
    not in it."""
    missed: int
    """How many fires right before this one were given up because their time had passed."""


def takes_fire(function: Callable[..., Any], subject: str) -> bool:
    """Returns whether a function wants the :class:`Fire`: it has one parameter without a default.

    Raises:
        FluidValueError: If it cannot be called with the fire, nor with nothing.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of something built in, which nobody can look into
        return False
    needed = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if len(needed) > 1 or any(parameter.kind is parameter.KEYWORD_ONLY for parameter in needed):
        names = ", ".join(parameter.name for parameter in needed)
        raise FluidValueError(
            f"{subject} needs arguments that nobody gives it: {names}; "
            f"it is called with the fire, or with nothing"
        )
    return bool(needed)
