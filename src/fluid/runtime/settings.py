"""What can be chosen about a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from ..record import Record

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

DEADLINE = 25.0
"""Seconds from the request to stop until the process is gone.

Source: below the 30 seconds after which Kubernetes kills.
"""

STALL_THRESHOLD = 0.25
"""Seconds for which the event loop may be blocked before that is reported."""


class Settings(Record):
    """How a process is to be run."""

    deadline: float = DEADLINE
    """Seconds from the request to stop, or the beginning of the root worker's own stop, until the
    process is gone."""
    stall_threshold: float = STALL_THRESHOLD
    """Seconds for which the event loop may be blocked before that is reported; 0 for never."""
    loop_factory: LoopFactory | None = None
    """Makes the event loop; asyncio's own by default."""
    debug: bool = False
    """Whether asyncio's debug mode is on."""
