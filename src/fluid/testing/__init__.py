"""A testing kit for asyncio code: virtual time, the same schedule in every run, and no loose ends.

    >>> import asyncio
    >>> from fluid.testing import run
    >>> async def main() -> float:
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time()
    >>> run(main)
    3600.0

The hour passes at once, because nothing else was left to do. A program that can never go on is not
waited for: the run ends with an error that names every task and the line where it awaits. So does a
program that ends and leaves a task, a timer, an async generator or an exception behind.
"""

from __future__ import annotations

from .errors import (
    DeadlockError,
    EscapedError,
    HorizonError,
    LeakError,
    LivelockError,
    Unhandled,
    UnhandledError,
    VirtualLoopError,
)
from .loop import VirtualLoop
from .pending import PendingTask, pending_tasks
from .run import run

__all__ = [
    "DeadlockError",
    "EscapedError",
    "HorizonError",
    "LeakError",
    "LivelockError",
    "PendingTask",
    "Unhandled",
    "UnhandledError",
    "VirtualLoop",
    "VirtualLoopError",
    "pending_tasks",
    "run",
]
