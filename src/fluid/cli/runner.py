"""Runs a command in one child process after the other; each end of one comes in bounded time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from .. import tasks
from ..texts import listed, one_line
from ..worker import Worker
from .child import Child

KILL_AFTER = 1.0
"""Seconds after the child's own deadline at which it is killed."""

KILL_PERIOD = 1.0
"""Seconds until a process that was killed is gone; the system may hold it for longer."""

FORCED_PERIOD = 8.0
"""Seconds that the child has from a forced stop: what a worker in it has, cleanup included."""

MOST_NAMED = 3
"""Changed files that a line names; it counts the others."""

Start: TypeAlias = Callable[[Sequence[str]], Awaitable[Child]]

logger: logging.Logger = logging.getLogger("fluid.reload")


class Runner(Worker):
    """Runs the command in one child after the other.

    Args:
        command: What to run.
        deadline: Seconds that a child may take to stop.
        start: Starts a child.
    """

    cleanup_period: float = FORCED_PERIOD + KILL_PERIOD

    def __init__(self, command: Sequence[str], deadline: float, start: Start) -> None:
        patience = deadline + KILL_AFTER
        super().__init__(name="process", stopping_grace_period=patience + KILL_PERIOD)
        self._command: Sequence[str] = command
        self._patience: float = patience
        self._start: Start = start
        self._changed: set[str] = set()
        self._news = asyncio.Event()
        self._child: Child | None = None
        self._exit_code: int = 0

    def tell(self, names: set[str]) -> None:
        """Tells it what has changed."""
        self._changed |= names
        self._news.set()

    async def run(self) -> None:
        """Runs a child, and the next one after a change, until it has to stop."""
        while self.is_running():
            self._changed.clear()
            await self._start_child()
            await self._wait_for_change()
            await self._stop_child()

    async def on_shutdown(self) -> None:
        """Ends a child that is still there: our own stop was forced."""
        if self._child is not None:
            self._ask_once()
            self._child.force()
            await self._see_end(min(FORCED_PERIOD, self._kill_at - self._now()))

    def after_shutdown(self, reason: str, code: int) -> None:
        """Ends the process as the last child has ended."""
        if self._exit_code:
            raise SystemExit(self._exit_code)

    async def _start_child(self) -> None:
        self._child = child = await self._start(self._command)
        self._was_asked = False
        loop = asyncio.get_running_loop()
        self._end = tasks.spawn(self._note_end(child), loop=loop, name="fluid.reload")

    async def _note_end(self, child: Child) -> None:
        """Waits for the end of a child, and notes it in the same step."""
        code = await child.wait()
        if self._child is not child:  # it was left alone, and has ended after all
            return
        self._child = None
        self._exit_code = as_exit_code(code, was_asked=self._was_asked)
        self._news.set()
        if not self._was_asked:
            way_on = "" if self._changed else "; waiting for a change"
            logger.info("the process has ended with exit code %d%s", self._exit_code, way_on)

    async def _wait_for_change(self) -> None:
        while self.is_running() and not self._changed:
            self._news.clear()
            await self.wait_or_stop(self._news.wait())
        if self.is_running():
            logger.info("%s changed; starting anew", named(sorted(self._changed)))

    async def _stop_child(self) -> None:
        if self._child is not None:
            self._ask_once()
            await self._see_end(self._kill_at - self._now())

    def _ask_once(self) -> None:
        if self._child is not None and not self._was_asked:
            self._was_asked = True
            self._kill_at = self._now() + self._patience
            self._child.ask()

    async def _see_end(self, seconds: float) -> None:
        """Waits for the end of the child, and brings it about if it takes too long."""
        if not await self._has_ended_within(seconds) and self._child is not None:
            logger.warning("the process did not stop within its deadline and is killed")
            self._child.kill()
            if not await self._has_ended_within(KILL_PERIOD):
                logger.error("the process was killed and is still there; it is left alone")
                self._child, self._exit_code = None, 128 + signal.SIGKILL

    async def _has_ended_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await tasks.ended(self._end)
        except TimeoutError:
            return False
        return True

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def as_exit_code(code: int, *, was_asked: bool) -> int:
    """Returns the exit code of a child as a shell says it.

    A child that was asked to stop and had not come to take signals yet has done as it was told.
    """
    if was_asked and code == -signal.SIGTERM:
        return 0
    return code if code >= 0 else 128 - code


def named(names: Iterable[str]) -> str:
    """Returns the first of some names, and how many others there are."""
    return one_line(listed([*names], MOST_NAMED))


def short_name(name: str) -> str:
    """Returns the name of a file as seen from the current directory, if it is below that."""
    try:
        short = os.path.relpath(name)
    except OSError:  # the current directory is gone
        return name
    return name if short.startswith(os.pardir) else short
