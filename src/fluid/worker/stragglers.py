"""Handlers of one life that refused to end: left alone, and watched until they do."""

from __future__ import annotations

import asyncio
from typing import Any


class Stragglers:
    """Those of one life."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def add(self, task: asyncio.Task[Any]) -> None:
        """Adds one that still runs."""
        self._tasks[task] = None
        task.add_done_callback(lambda ended: self._tasks.pop(ended, None))

    @property
    def are_left(self) -> bool:
        """Whether any of them still runs."""
        return any(not task.done() for task in self._tasks)
