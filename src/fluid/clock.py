"""Where fluid reads the time.

Durations and deadlines come from the event loop's own clock (``loop.time()``), so that a loop with
virtual time controls them. The time of day is needed for records and for schedules; a loop that
scripts it offers a ``wall_time()`` and a ``wall_zone()`` of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo


LOCAL_TIME = "/etc/localtime"
"""Where Unix systems keep their time zone, as a link into the database of zones."""


def wall_time(loop: asyncio.AbstractEventLoop) -> float:
    """Returns the time of day as ``loop`` sees it: seconds since the epoch."""
    return wall_clock_of(loop)()


def wall_clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Returns what tells the time of day as ``loop`` sees it."""
    scripted: Callable[[], float] | None = getattr(loop, "wall_time", None)
    return time.time if scripted is None else scripted


def steady_time() -> float:
    """Returns the seconds of a clock that runs while a loop is blocked; for threads and signals.

    A loop may have another: uvloop's stands still until the loop goes on.
    """
    return time.monotonic()


def cpu_time() -> float:
    """Returns the seconds of processor time that this process has used, in all its threads."""
    return time.process_time()


def thread_cpu_time() -> float:
    """Returns the seconds of processor time that the calling thread has used.

    They tell what something costs, also where the machine is busy with others.
    """
    return time.thread_time()


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Returns what tells the loop's time, with no frame of Python's between if that is possible.

    ``loop.time()`` of a stock loop takes twice as long as the clock that it reads.
    """
    is_stock = getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
    return time.monotonic if is_stock else loop.time


def local_zone(loop: asyncio.AbstractEventLoop) -> tzinfo:
    """Returns the time zone of the machine as it is now: the variable ``TZ``, else its setting.

    Where neither is the name of a zone that is known here, it is the present offset from UTC, which
    has to be asked for again and again.
    """
    scripted: Callable[[], tzinfo] | None = getattr(loop, "wall_zone", None)
    if scripted is not None:
        return scripted()
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        name = os.path.realpath(LOCAL_TIME).rpartition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no name, or the file is a copy
        zone = datetime.fromtimestamp(wall_time(loop), UTC).astimezone().tzinfo
        assert zone is not None
        return zone
