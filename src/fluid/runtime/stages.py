"""Whom a start or a stop is waiting for, read off the tree. Nothing here waits, or writes.

A group that waits for its children is not the one to blame, so it is not in the list; one that is
in a cleanup of its own is.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from ..record import Record
from ..worker.exit import WorkerExit

if TYPE_CHECKING:
    from ..worker import Worker

STARTING, STOPPING = "starting", "stopping"


class Waiting(Record):
    """One worker that a stage is waiting for."""

    path: str
    """The worker, as ``worker_path`` says it."""
    phase: str
    """The hook that it is in: ``on_startup``, ``run``, ``on_shutdown``, ..."""
    seconds: float
    """How long it has been starting, or stopping."""
    stack: tuple[str, ...]
    """Where it awaits, outermost first: ``file:line in function``."""


class Stage(Record):
    """How far the start or the stop of a whole tree is."""

    verb: str
    """``starting`` or ``stopping``."""
    path: str
    """The root worker."""
    elapsed: float
    """Seconds since it began."""
    bound: float
    """Seconds that it may take in all; infinite where nothing limits it."""
    waiting: tuple[Waiting, ...]
    """Those who are still in it, in the order of the tree."""
    is_over: bool = False
    """True once, in the last one."""
