"""A testing kit for asyncio code: virtual time, explored schedules, faults, and no loose ends.

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

:func:`explore` runs a program under many schedules, :func:`sweep` with a fault at every step,
:func:`exhaust` in every order near the ordinary one, and :func:`stress` does all that anybody could
do to a worker. What fails is made small, and replayed by a line of text.
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
    UnreachableStateError,
    VirtualLoopError,
    WaitTimeoutError,
)
from .exploring import exhaust, explore, explored, replay, sweep
from .leaks import LeakKind, leaks
from .legal_loop import LegalLoop, explore_real
from .loop import VirtualLoop
from .pending import PendingTask, pending_tasks
from .recorder import LifecycleEvents
from .run import run
from .schedules.choosers import Choice
from .schedules.report import ExplorationError, NeverHappenedError, NotDeterministicError
from .schedules.schedule import MIX, Policy, Schedule, Strike
from .schedules.simulate import Conditions, Run
from .schedules.simulation import SimulatedFaultError, Simulation
from .schedules.tally import Tally
from .schedules.watched import Step
from .stress import stress
from .wait_for import wait_for_event, wait_for_state
from .wall_clock import WallClock
from .world import hang

__all__ = [
    "MIX",
    "Choice",
    "Conditions",
    "DeadlockError",
    "EscapedError",
    "ExplorationError",
    "HorizonError",
    "LeakError",
    "LeakKind",
    "LegalLoop",
    "LifecycleEvents",
    "LivelockError",
    "NeverHappenedError",
    "NotDeterministicError",
    "PendingTask",
    "Policy",
    "Run",
    "Schedule",
    "SimulatedFaultError",
    "Simulation",
    "Step",
    "Strike",
    "Tally",
    "Unhandled",
    "UnhandledError",
    "UnreachableStateError",
    "VirtualLoop",
    "VirtualLoopError",
    "WaitTimeoutError",
    "WallClock",
    "exhaust",
    "explore",
    "explore_real",
    "explored",
    "hang",
    "leaks",
    "pending_tasks",
    "replay",
    "run",
    "stress",
    "sweep",
    "wait_for_event",
    "wait_for_state",
]
