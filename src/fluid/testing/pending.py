"""Who is still waiting, and where: the part that all reports of the testing kit share.

Plain text and plain data only. A report must not keep tasks, frames or callbacks alive, or it would
change what the garbage collector finds at the end of the run it speaks of.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..tasks import await_stack


@dataclass(frozen=True)
class PendingTask:
    """A task that has not ended, as it was when the report was made."""

    name: str
    """The name of the task."""
    stack: tuple[str, ...]
    """Where it awaits, as ``file:line in function``, outermost first; empty if nobody can tell."""

    @property
    def site(self) -> str:
        """The line that everything else waits for."""
        return self.stack[-1] if self.stack else "an unknown place"

    def __str__(self) -> str:
        return "\n".join((f"  {self.name} waits at", *(f"    {line}" for line in self.stack)))


def tasks_of(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[object]]:
    """Returns the tasks of ``loop`` that have not ended, in an order that every run repeats.

    The one that asks is left out. They are sorted by name, ``task-2`` before ``task-10``, because
    ``asyncio.all_tasks`` is a set ordered by address.
    """
    me = asyncio.current_task(loop)
    tasks = (task for task in asyncio.all_tasks(loop) if task is not me)
    return sorted(tasks, key=lambda task: _natural_order(task.get_name()))


def _natural_order(name: str) -> list[str | int]:
    return [int(part) if n % 2 else part for n, part in enumerate(re.split(r"(\d+)", name))]


def pending_tasks(loop: asyncio.AbstractEventLoop) -> tuple[PendingTask, ...]:
    """Returns what the tasks of ``loop`` that have not ended are called and where they await."""
    return tuple(PendingTask(task.get_name(), await_stack(task)) for task in tasks_of(loop))


def callback_name(handle: asyncio.Handle) -> str:
    """Returns what a scheduled callback is called: its task's name, or its qualified name."""
    callback = handle._callback  # type: ignore[attr-defined]
    while isinstance(callback, partial):
        callback = callback.func
    # A task schedules its own steps as bound methods, in C and in Python alike.
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return f"a step of {owner.get_name()}"
    name = str(getattr(callback, "__qualname__", type(callback).__qualname__))
    waiting = _waiting_for(handle._args)
    return f"{name}, for {waiting}" if waiting else name


def _waiting_for(args: Sequence[object] | None) -> str:
    """Returns the name of the task that a callback's future will wake, if it will wake one."""
    if args and isinstance(args[0], asyncio.Future):
        for callback, _ in getattr(args[0], "_callbacks", None) or ():
            owner = getattr(callback, "__self__", None)
            if isinstance(owner, asyncio.Task):
                return owner.get_name()
    return ""
