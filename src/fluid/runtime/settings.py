"""What can be chosen about a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from ..errors import FluidValueError
from ..record import Record
from .address import Address
from .deadline import Deadline

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
    drain_delay: float = 0.0
    """Seconds for which work goes on after the request to stop, while readiness is gone."""
    http: Address | None = None
    """Where probes and metrics are served; None for nowhere."""
    health_file: str | None = None
    """The file that says how the process is; None for none."""

    def check_drain_delay(self) -> None:
        """Refuses a drain delay that leaves no time for the stop.

        Raises:
            FluidValueError: If it does.
        """
        if not Deadline(self.deadline, self.drain_delay).for_tree > 0:
            raise FluidValueError(
                f"a drain delay of {self.drain_delay:g} seconds leaves nothing of the deadline of "
                f"{self.deadline:g} for the stop; a deadline of "
                f"{self.drain_delay + DEADLINE:g} would do"
            )
