"""What a worker's task is executing, in the words of its hooks."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """The part of its life that a worker is in."""

    STARTUP = "on_startup"
    RUN = "run"
    UNDELIVERED = "on_undelivered"
    SHUTDOWN = "on_shutdown"
    EXIT_STACK = "the exit stack"
