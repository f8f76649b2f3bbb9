"""``--reload``: runs a command in a child process, and anew whenever its code has changed.

It is made of workers as any other program: one watches the files, one sees to the child.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from .. import tasks
from ..logs import one_line
from ..worker import Worker, Workers
from .child import Child, start
from .logs import leave_stages_to_others
from .refusal import Refusal

KILL_AFTER = 1.0
"""Seconds after the child's own deadline at which it is killed."""

KILL_PERIOD = 1.0
"""Seconds until a process that was killed is gone; the system may hold it for longer."""

FORCED_PERIOD = 8.0
"""Seconds that the child has from a forced stop: what a worker in it has, cleanup included."""

RESERVE = 16.0
"""Seconds beyond the deadline of the child that the deadline of its parent needs."""

MOST_NAMED = 3
"""Changed files that a line names; it counts the others."""

Watch: TypeAlias = Callable[[Sequence[Path]], AsyncGenerator[set[str], None]]
Start: TypeAlias = Callable[[Sequence[str]], Awaitable[Child]]

logger: logging.Logger = logging.getLogger("fluid.reload")


def reloader(command: Sequence[str], paths: Sequence[Path], deadline: float) -> Worker:
    """Returns a worker that runs ``command`` and starts it anew when a Python file changes.

    The process that runs it exits as its last child did.

    Args:
        command: What to run.
        paths: The files and folders to watch.
        deadline: Seconds that the command may take to stop; a second later it is killed.

    Raises:
        Refusal: If the package for watching is missing, or one of the paths.
    """
    if find_spec("watchfiles") is None:
        raise Refusal('--reload needs a package; install it:  pip install "fluid-workers[reload]"')
    for path in paths:
        if not path.exists():
            raise Refusal(f"--reload-path {path}: there is no such file or folder")
    _say_less()
    return assembled(command, paths, deadline, watch=watch, start=start)


def assembled(
    command: Sequence[str], paths: Sequence[Path], deadline: float, *, watch: Watch, start: Start
) -> Worker:
    """Returns the same of any parts."""
    runner = Runner(command, deadline, start)
    return Workers(Watcher(paths, watch, runner.tell), runner, name="reload")


class Watcher(Worker):
    """Tells of changes.

    Args:
        paths: What to watch.
        watch: Yields the names of what has changed.
        tell: Is told.
    """

    def __init__(
        self, paths: Sequence[Path], watch: Watch, tell: Callable[[set[str]], None]
    ) -> None:
        super().__init__(name="watch", stopping_grace_period=KILL_AFTER)
        self._paths: Sequence[Path] = paths
        self._watch: Watch = watch
        self._tell: Callable[[set[str]], None] = tell

    async def run(self) -> None:
        """Watches until it has to stop."""
        logger.info("watching %s for changes of Python files", _named(map(str, self._paths)))
        async with aclosing(self._watch(self._paths)) as changes:
            while (names := await self.wait_or_stop(_next(changes))) is not None:
                self._tell(names)


class Runner(Worker):
    """Runs the command in one child after the other.

    Args:
        command: What to run.
        deadline: Seconds that a child may take to stop.
        start: Starts a child.
    """

    cleanup_period = FORCED_PERIOD + KILL_PERIOD

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
            logger.info("%s changed; starting anew", _named(sorted(map(_short, self._changed))))

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


async def watch(paths: Sequence[Path]) -> AsyncGenerator[set[str], None]:
    """Yields the names of Python files that have changed, a set for each batch of changes."""
    from watchfiles import PythonFilter, awatch

    async with aclosing(awatch(*paths, watch_filter=PythonFilter())) as batches:
        async for batch in batches:
            yield {name for _change, name in batch}


async def _next(changes: AsyncGenerator[set[str], None]) -> set[str] | None:
    return await anext(changes, None)


def _say_less() -> None:
    """Leaves the ordinary course of events to the child, which writes to the same terminal."""
    leave_stages_to_others()
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        logging.getLogger("fluid.worker").setLevel(logging.ERROR)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of each change as well


def _named(names: Iterable[str]) -> str:
    first = [*names]
    others = len(first) - MOST_NAMED
    more = f" and {others} more" if others > 0 else ""
    return one_line(", ".join(first[:MOST_NAMED]) + more)


def _short(name: str) -> str:
    try:
        short = os.path.relpath(name)
    except OSError:  # the current directory is gone
        return name
    return name if short.startswith(os.pardir) else short
