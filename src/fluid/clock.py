"""Where fluid reads the time.

Durations and deadlines come from the event loop's own clock (``loop.time()``), so that a loop with
virtual time controls them. The time of day is needed for records only; a loop that scripts it
offers a ``wall_time()`` of its own.
"""

from __future__ import annotations

import asyncio
import time


def wall_time(loop: asyncio.AbstractEventLoop) -> float:
    """Returns the time of day as ``loop`` sees it: seconds since the epoch."""
    scripted = getattr(loop, "wall_time", None)
    return float(scripted()) if scripted is not None else time.time()
