"""The ``status()`` of everybody in a group, whatever some of them do when they are asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import tasks
from .exit import error_as_dict
from .group_core import GroupCore
from .tree import describe

if TYPE_CHECKING:
    from .base import Worker

STATUS_TIMEOUT = 1.0
"""Seconds that a group waits for those whose ``status()`` is not fluid's own, all together."""


class Asked:
    """A child whose own ``status()`` is being awaited, in a task that can be left alone."""

    def __init__(self, child: Worker, place: dict[str, Any]) -> None:
        self.child: Worker = child
        self.place: dict[str, Any] = place
        self.answer: Any = {"error": error_as_dict(TimeoutError("status() took too long"))}
        self.task: asyncio.Task[None] = tasks.spawn(
            self._ask(), loop=asyncio.get_running_loop(), name=f"status of {child.worker_name}"
        )

    async def _ask(self) -> None:
        try:
            self.answer = await self.child.status()
        except GeneratorExit:  # the loop is being torn down
            raise
        except BaseException as error:
            self.answer = {"error": error_as_dict(error)}


async def statuses(group: GroupCore) -> dict[str, Any]:
    """Returns the status of each child under its slot key, groups as a dict of theirs.

    Cancellation: Safe; those who have not answered are cancelled.
    """
    asked: list[Asked] = []
    report = _report(group, asked)
    try:
        async with asyncio.timeout(STATUS_TIMEOUT):
            for each in asked:
                await tasks.ended(each.task)
    except TimeoutError:
        pass  # they are left out, and told so
    finally:
        for each in asked:
            each.place[each.child._worker.key] = each.answer
            if not each.task.done():
                tasks.cancel(each.task, "fluid: its group no longer waits for this status()")
    return report


def _report(group: GroupCore, asked: list[Asked]) -> dict[str, Any]:
    from .base import Worker
    from .group import Workers

    report: dict[str, Any] = {}
    for slot in group.slots.values():
        core = slot.core
        own = getattr(slot.child.status, "__func__", None)
        if own is Worker.status:
            report[core.key] = describe(core)
        elif own is Workers.status and isinstance(core, GroupCore):
            report[core.key] = _report(core, asked)
        else:
            report[core.key] = None  # keeps its place in the order
            asked.append(Asked(slot.child, report))
    return report
