"""Who may join a group, and when."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import FluidValueError, GroupClosed
from ..rules.lifecycle import FINAL_STATES, WorkerState
from .core import Core, core_of
from .slot import Slot

if TYPE_CHECKING:
    from .base import Worker
    from .group_core import GroupCore


def admit(group: GroupCore, workers: Iterable[Worker]) -> None:
    """Adds those that are not in ``group`` yet: all of them, or none and an error."""
    for worker in newcomers(group, workers):
        enter(group, Slot(worker), group.keys.take(worker._worker.name))


def newcomers(group: GroupCore, workers: Iterable[Worker]) -> list[Worker]:
    """Returns those that are not in ``group`` yet, each once, if all of them can join it.

    Raises:
        GroupClosed: If the group is stopping or has ended.
        FluidValueError: If one of them cannot be a child.
    """
    cores = {core_of(worker): worker for worker in workers}
    new = {core: worker for core, worker in cores.items() if core.parent() is not group}
    if new:
        check_open(group, ", ".join(repr(core.name) for core in new))
    for core in new:
        if problem := problem_of(group, core):
            raise FluidValueError(
                f"worker {core.name!r} cannot join group {group.name!r}: {problem}"
            )
    return list(new.values())


def enter(group: GroupCore, slot: Slot, key: str) -> None:
    """Puts a child in its place, which has been found to be free."""
    slot.core.key = key
    slot.core.parent_ref = weakref.ref(group)
    group.slots[key] = slot
    if group.engine is not None:
        group.engine.child_added(slot)


def check_open(group: GroupCore, newcomers: str) -> None:
    """Refuses newcomers, by their names, where nobody can begin any more.

    Raises:
        GroupClosed: If the group is stopping or has ended.
    """
    if group.is_closed():
        # A child's end closes a plain group a step before the group itself has noticed.
        state = WorkerState.STOPPING if group.state is WorkerState.RUNNING else group.state
        raise GroupClosed(f"group {group.name!r} cannot take {newcomers}: it is {state.value}")


def problem_of(group: GroupCore, core: Core) -> str:
    """Returns why a worker cannot be a child of ``group``; nothing if it can."""
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
