"""``--reload``: runs a command in a child process, and anew whenever its code has changed.

It is made of workers as any other program: one watches the files, one sees to the child.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from ..worker import Worker, Workers
from .child import start
from .logs import leave_stages_to_others
from .refusal import Refusal, needs_package
from .runner import KILL_AFTER, Runner, Start, logger, named, short_name

Watch: TypeAlias = Callable[[Sequence[Path]], AsyncGenerator[set[str], None]]

RESERVE = 16.0
"""Seconds beyond the deadline of the child that the deadline of its parent needs."""


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
        raise needs_package("--reload", "reload")
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
        logger.info("watching %s for changes of Python files", named(map(str, self._paths)))
        async with aclosing(self._watch(self._paths)) as changes:
            while (names := await self.wait_or_stop(_next(changes))) is not None:
                self._tell({*map(short_name, names)})


async def watch(paths: Sequence[Path]) -> AsyncGenerator[set[str], None]:
    """Yields the names of Python files that have changed, a set for each batch of changes."""
    from watchfiles import PythonFilter, awatch

    async with aclosing(awatch(*paths, watch_filter=PythonFilter())) as batches:
        async for batch in batches:
            yield {name for _change, name in batch}


async def _next(changes: AsyncGenerator[set[str], None]) -> set[str] | None:
    return await anext(changes, None)


def _say_less() -> None:
    """Leaves what happens to the child to tell, which writes to the same terminal.

    It may show a status there, and a line from us in the middle of it would spoil that.
    """
    leave_stages_to_others()
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        for name in ("fluid.worker", "fluid.runtime"):
            logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of each change as well
