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


STARTUP, RUN, UNDELIVERED, SHUTDOWN, EXIT_STACK = Phase
"""The members by name: on Python 3.11, ``Phase.RUN`` costs four times a plain name."""
