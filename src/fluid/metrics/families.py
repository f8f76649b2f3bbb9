"""All metrics, in one table."""

from __future__ import annotations

from .family import Family
from .of_messages import CONSUMER, HANDLING
from .of_timers import TIMER
from .of_trees import CHILD, LEAF, PROCESS, SUPERVISOR, WORKER

FAMILIES: tuple[Family, ...] = (
    *PROCESS,
    *WORKER,
    *LEAF,
    *CHILD,
    *SUPERVISOR,
    *CONSUMER,
    *HANDLING,
    *TIMER,
)
"""All of them, in the order in which they are shown."""
