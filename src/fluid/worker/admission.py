"""Who may join a group, and when."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import FluidValueError, GroupClosedError
from ..rules.lifecycle import FINAL_STATES, WorkerState
from .core import Core, core_of
from .slot import Slot

if TYPE_CHECKING:
    from .base import Worker
    from .group_core import GroupCore


def admit(group: GroupCore, workers: Iterable[Worker]) -> None:
    """Adds those that are not in ``group`` yet: all of them, or none and an error."""
    cores = {core_of(worker): worker for worker in workers}
    new = {core: worker for core, worker in cores.items() if core.parent() is not group}
    if new and group.is_closed():
        raise GroupClosedError(_why_closed(group, new))
    for core in new:
        if problem := _problem(group, core):
            raise FluidValueError(
                f"worker {core.name!r} cannot join group {group.name!r}: {problem}"
            )
    for core, worker in new.items():
        core.key = group.keys.take(core.name)
        core.parent_ref = weakref.ref(group)
        slot = group.slots[core.key] = Slot(worker)
        if group.engine is not None:
            group.engine.child_added(slot)


def _why_closed(group: GroupCore, new: Iterable[Core]) -> str:
    # A child's end closes the group a step before the group itself has noticed.
    state = WorkerState.STOPPING if group.state is WorkerState.RUNNING else group.state
    names = ", ".join(repr(core.name) for core in new)
    return f"group {group.name!r} cannot take {names}: it is {state.value}"


def _problem(group: GroupCore, core: Core) -> str:
    parent, life = core.parent(), group.life or core.life
    if parent is not None:
        return f"it is in group {parent.name!r} already"
    if any(ancestor is core for ancestor in group.ancestry()):
        return "a group cannot be below itself"
    if core.state is WorkerState.STOPPING or core.state in FINAL_STATES:
        return f"it is {core.state.value}; a worker has one life, make a new one"
    if core.life is not None and life is not None and core.life.loop is not life.loop:
        return "it lives on another event loop"
    return ""
