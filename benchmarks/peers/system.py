"""What every system is asked to do, and how it proves that it did it.

A system is a module of ``systems/`` with these functions: "how one does this with X". It decides
nothing about what is timed; that is the same for all of them, in ``measures.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Handler = Callable[[Any], Awaitable[None]]
Life = Callable[[], Awaitable[None]]
Send = Callable[[Any], None]
Running = AbstractAsyncContextManager[Any]


class Tally:
    """Counts what workers have done, so that no figure stands for work that was not."""

    def __init__(self) -> None:
        self.begun: int = 0
        """Workers that have taken their first step."""
        self.ended: int = 0
        """Workers that have taken their last one."""
        self.worked: int = 0
        """Times that a worker has done what it does every so often."""


class System(Protocol):
    """The ways of one system to do the same as the others.

    Each of the functions returns an asynchronous context manager. Once it is left, nothing of what
    it ran may be left, either.
    """

    def sleepers(self, count: int, tally: Tally) -> Running:
        """Runs so many workers in one group, which wait until they are stopped."""

    def consumers(self, count: int, tally: Tally) -> Running:
        """Runs so many consumers in one group, which wait for messages that nobody sends."""

    def consumer(self, handler: Handler) -> AbstractAsyncContextManager[Send]:
        """Runs a consumer, and lends what sends it a message."""

    def ticker(self, period: float, tally: Tally) -> Running:
        """Runs a worker that works every ``period`` seconds, with the loop that is documented."""

    def restarted(self, life: Life, /) -> Running | None:
        """Runs a worker that lives ``life`` under what restarts it at once, again and again.

        Returns:
            None, if the system has nothing that restarts a worker.
        """
