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
from .exploring import exhaust, explore, explored, replay, sweep
from .loop import VirtualLoop
from .pending import PendingTask, pending_tasks
from .run import run
from .schedules.report import ExplorationError, NeverHappenedError, NotDeterministicError
from .schedules.schedule import MIX, Policy, Schedule, Strike
from .schedules.simulate import Conditions, Run
from .schedules.simulation import SimulatedFaultError, Simulation
from .schedules.tally import Tally
from .wall_clock import WallClock
from .world import hang

__all__ = [
    "MIX",
    "Conditions",
    "DeadlockError",
    "EscapedError",
    "ExplorationError",
    "HorizonError",
    "LeakError",
    "LivelockError",
    "NeverHappenedError",
    "NotDeterministicError",
    "PendingTask",
    "Policy",
    "Run",
    "Schedule",
    "SimulatedFaultError",
    "Simulation",
    "Strike",
    "Tally",
    "Unhandled",
    "UnhandledError",
    "VirtualLoop",
    "VirtualLoopError",
    "WallClock",
    "exhaust",
    "explore",
    "explored",
    "hang",
    "pending_tasks",
    "replay",
    "run",
    "sweep",
]
