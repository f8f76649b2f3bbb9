"""What users ask of a supervisor that runs: whom they mean, and the wait until it is so.

What is asked for is done by the engine, in one step; nothing here changes a place but through it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from ...errors import ChildNotFound, GroupClosed, WorkerDeadlockError
from ...rules.names import escape
from ...texts import listed
from ..base import Worker
from ..core import core_of
from ..slot import RUNNING, STARTING
from ..waits import Waiters
from .slot import Goal, SupervisedSlot

if TYPE_CHECKING:
    from .core import SupervisorCore
    from .engine import SupervisorEngine

MOST_NAMES = 10
"""Children that an error names; it counts the others."""


def engine_of(core: SupervisorCore, verb: str) -> SupervisorEngine:
    """Returns the engine, for a request that only a supervisor that runs can fulfil.

    Raises:
        GroupClosed: If it does not run.
        WrongLoopError: If it runs in another loop.
    """
    life = core.life
    if core.engine is None or life is None or core.is_closed():
        is_early = life is not None and not core.is_closed()
        why = "has not begun to start its children" if is_early else f"is {core.state.value}"
        raise GroupClosed(f"{verb}() needs a supervisor that runs: {core.name!r} {why}")
    core.check_loop(life, verb)
    return cast("SupervisorEngine", core.engine)


def place_of(core: SupervisorCore, which: str | Worker) -> SupervisedSlot:
    """Returns the place of a child that is called so, or that is so.

    Raises:
        ChildNotFound: If there is none.
    """
    if isinstance(which, str):
        slot = core.place(which) or core.place(escape(which))
    else:
        slot = core.place_that_was_of(core_of(which))
    if slot is not None and slot.goal is not Goal.GONE:
        return slot
    shown = which.worker_path if isinstance(which, Worker) else which
    there = [slot.core.key for slot in core.supervised() if slot.goal is not Goal.GONE]
    raise ChildNotFound(
        f"supervisor {core.name!r} has no child {shown!r}; it has "
        f"{listed(there, MOST_NAMES) or 'none'}"
    )


def refuse_deadlock_of_start(core: SupervisorCore, verb: str) -> None:
    """Refuses to wait for a start that comes after that of the caller.

    Raises:
        WorkerDeadlockError: If a child that is starting itself waits, and others come after it.
    """
    if cast("SupervisorEngine", core.engine).starts_at_once():
        return
    for slot in core.supervised():
        if slot.state is STARTING and slot.core.is_inside():
            raise WorkerDeadlockError(
                f"{verb}() was awaited in the start of worker {slot.core.path}, and would wait "
                f"for ever: others start after it; await it in run() instead"
            )


async def started(core: SupervisorCore, slot: SupervisedSlot) -> Worker:
    """Waits for the first start of a child, which has no place if that fails.

    Cancellation: The child is removed again.
    """
    if slot.state is not RUNNING:
        slot.fall_back = Goal.GONE
    try:
        await up(slot)
    except asyncio.CancelledError:
        if core.engine is not None:
            cast("SupervisorEngine", core.engine).take_down(slot, Goal.GONE)
        raise
    return slot.child


async def up(slot: SupervisedSlot) -> None:
    """Waits until a child is up; raises why it is not."""
    if slot.state is RUNNING and slot.restarting is None:
        return
    if slot.up is None:
        slot.up = Waiters()
    error = await slot.up.wait(asyncio.get_running_loop())
    if error is not None:
        raise error


async def down(slot: SupervisedSlot) -> None:
    """Waits until a child is down, and all that follows from it has been done."""
    if slot.is_alive or slot.is_news:  # once: by then it may be up again, on another's request
        if slot.down is None:
            slot.down = Waiters()
        await slot.down.wait(asyncio.get_running_loop())
