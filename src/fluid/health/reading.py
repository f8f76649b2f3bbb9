"""Reads off a tree how its workers are. It changes nothing and calls no code of the user's.

Without recursion: nobody's tree is too deep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import HeartbeatLostError
from ..rules.lifecycle import RUNNING, WorkerState
from ..texts import error_text, one_line
from ..worker.core import Core
from ..worker.group_core import GroupCore
from ..worker.life import Life
from ..worker.slot import ChildState, Slot
from ..worker.supervision.slot import SupervisedSlot
from .report import MOST_TOLD, Trouble

DOWN = (ChildState.RESTARTING, ChildState.GIVEN_UP)
"""Places whose workers ought to be there."""


class Place(NamedTuple):
    """A worker in a tree."""

    core: Core
    slot: Slot | None
    """What its group knows of it; the root of what is looked at has none."""
    is_needed: bool
    """Whether the tree is not ready without it."""


class Findings(NamedTuple):
    """What a look at a whole tree has found."""

    workers: dict[str, int]
    """How many there are in each state."""
    stuck: tuple[Trouble, ...]
    """Those who had to report progress, have not, and do not end for that."""
    not_ready: tuple[Trouble, ...]
    degraded: tuple[Trouble, ...]


def everybody(root: Core) -> Iterator[Place]:
    """Yields all workers of a tree, each group before its children."""
    waiting = [Place(root, None, True)]
    while waiting:
        place = waiting.pop()
        yield place
        if isinstance(place.core, GroupCore):
            waiting.extend(_below(place.core, is_needed=place.is_needed)[::-1])


def _below(group: GroupCore, *, is_needed: bool) -> list[Place]:
    needed = set(group.needed()) if is_needed else set[Core]()
    # A list first: another thread may look while the loop adds or drops a child.
    return [Place(slot.core, slot, slot.core in needed) for slot in list(group.slots.values())]


def look(root: Core, now: float) -> Findings:
    """Looks at all workers of a tree.

    Args:
        root: The tree.
        now: The time of its event loop.
    """
    states, stuck = Counter[WorkerState](), list[Trouble]()
    not_ready, degraded = list[Trouble](), list[Trouble]()
    for place in everybody(root):
        core = place.core
        state = core.state
        states[state] += 1
        if state is RUNNING and _is_well(core):
            continue
        if len(stuck) < MOST_TOLD and (how := _stuck(core)):
            stuck.append(Trouble(core.path, how))
        told = not_ready if place.is_needed else degraded
        if len(told) < MOST_TOLD and (what := _wrong(place, now)):
            told.append(Trouble(core.path, what))
        elif len(degraded) < MOST_TOLD and _has_stragglers(core):
            degraded.append(Trouble(core.path, "has a handler that refuses to end"))
    workers = {state.value: number for state, number in states.items()}
    return Findings(workers, tuple(stuck), tuple(not_ready), tuple(degraded))


def _is_well(core: Core) -> bool:
    """Returns whether there is nothing to be said of a worker that runs; of nearly all, at once."""
    life = core.life
    return (
        life is not None
        and life.ready
        and life.stragglers is None
        and not isinstance(core, GroupCore)
    )


def _stuck(core: Core) -> str:
    """Returns what is to be said of a worker that gets nowhere, and does not let go either.

    A watchdog that is only late is no sign of that: the loop was blocked, and nobody could beat.
    """
    life = core.life
    lost = None if life is None or life.outcome is not None else life.facts.run_error
    if not isinstance(lost, HeartbeatLostError):
        return ""
    return f"has not called beat() for {lost.timeout:g} s, was cancelled, and has not ended"


def _has_stragglers(core: Core) -> bool:
    life = core.life
    return life is not None and life.stragglers is not None and life.stragglers.are_left


def _wrong(place: Place, now: float) -> str:
    """Returns what is wrong with a worker, unless it is only that somebody below it is not ready.

    A worker that is not needed may have ended, or wait for its turn, and nothing is wrong.
    """
    core, slot = place.core, place.slot
    if core.state is WorkerState.STOPPING:
        return "" if isinstance(core, GroupCore) and _has_somebody_alive(core) else "is stopping"
    if Core.is_ready(core) and (not isinstance(core, GroupCore) or core.has_started_all()):
        return ""
    if _is_below_a_stop(core) or _is_at_one_of_its_ends(place):
        return ""
    if isinstance(core, GroupCore) and _has_somebody_to_blame(core):
        return ""
    if not place.is_needed and not _ought_to_be_up(slot):
        return ""
    return _words(core, slot, now)


def _is_below_a_stop(core: Core) -> bool:
    """Returns whether nobody expects a worker, which does not stop, to be up any more."""
    parent = core.parent()
    return parent is not None and (parent.life is None or parent.is_closed())


def _is_at_one_of_its_ends(place: Place) -> bool:
    """Returns whether a whole tree has not begun yet, or is done: its phase says that."""
    life = place.core.life
    return place.slot is None and (life is None or life.outcome is not None)


def _has_somebody_alive(group: GroupCore) -> bool:
    lives = [core.life for core in group.cores()]
    return any(life is not None and life.outcome is None for life in lives)


def _has_somebody_to_blame(group: GroupCore) -> bool:
    """Returns whether a group that is not ready waits for a child that is not."""
    is_starting = group.state is WorkerState.RUNNING
    return is_starting and not all(map(Core.is_ready, _needed(group)))


def _needed(group: GroupCore) -> Iterable[Core]:
    return list(group.needed())


def _ought_to_be_up(slot: Slot | None) -> bool:
    if not isinstance(slot, SupervisedSlot):
        return False
    is_coming_back = slot.state is ChildState.STARTING and slot.restarts > 0
    return slot.state in DOWN or is_coming_back


def _words(core: Core, slot: Slot | None, now: float) -> str:
    """Returns what a worker that is not ready is doing instead."""
    life = core.life
    if isinstance(slot, SupervisedSlot) and slot.state is ChildState.RESTARTING:
        delay = slot.restart_in(now)
        when = "is to be restarted" if delay is None else f"restarts in {delay:.1f} s"
        return f"{when}, as it {slot.last_error}" if slot.last_error else when
    if life is None:
        return "has not started"
    if life.outcome is None:
        return f"has been starting for {now - life.began:.1f} s"
    return end_of(life)


def end_of(life: Life) -> str:
    """Returns how a life has ended."""
    assert life.outcome is not None
    if life.facts.abandoned:
        return "refused to end and was abandoned"
    if life.outcome.exception is not None:
        return f"failed ({error_text(life.outcome.exception)})"
    return f"has ended ({one_line(life.outcome.reason)})"
