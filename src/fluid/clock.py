"""Where fluid reads the time.

Durations and deadlines come from the event loop's own clock (``loop.time()``), so that a loop with
virtual time controls them. The time of day is needed for records only; a loop that scripts it
offers a ``wall_time()`` of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def wall_time(loop: asyncio.AbstractEventLoop) -> float:
    """Returns the time of day as ``loop`` sees it: seconds since the epoch."""
    scripted = getattr(loop, "wall_time", None)
    return float(scripted()) if scripted is not None else time.time()


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Returns what tells the loop's time, with no frame of Python's between if that is possible.

    ``loop.time()`` of a stock loop takes twice as long as the clock that it reads.
    """
    is_stock = getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
    return time.monotonic if is_stock else loop.time
