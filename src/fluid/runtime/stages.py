"""Whom a start or a stop is waiting for, read off the tree. Nothing here waits, or writes.

A group that waits for its children is not the one to blame, so it is not in the list; one that is
in a cleanup of its own is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .. import tasks
from ..record import Record
from ..rules.lifecycle import WorkerState
from ..worker import Worker
from .family import children, from_below

STARTING, DRAINING, STOPPING = "starting", "draining", "stopping"


class Waiting(Record):
    """One worker that a stage is waiting for."""

    path: str
    """The worker, as ``worker_path`` says it."""
    phase: str
    """The hook that it is in: ``on_startup``, ``run``, ``on_shutdown``, ..."""
    seconds: float
    """How long it has been starting, or stopping."""
    stack: tuple[str, ...]
    """Where it awaits, outermost first: ``file:line in function``."""


class Stage(Record):
    """How far the start or the stop of a whole tree is."""

    verb: str
    """``starting``, ``draining`` or ``stopping``."""
    path: str
    """The root worker."""
    elapsed: float
    """Seconds since it began."""
    bound: float
    """Seconds that it may take in all; infinite where nothing limits it."""
    waiting: tuple[Waiting, ...]
    """Those who are still in it, in the order of the tree."""
    is_over: bool = False
    """True once, in the last one."""


def named(waiting: Sequence[Waiting], most: int, word: Callable[[Waiting], str]) -> str:
    """Returns those who are waited for, ``most`` of them in words, and how many others there are.

    Args:
        waiting: They.
        most: How many are named.
        word: Names one.
    """
    names = [word(each) for each in waiting[:most]]
    if (others := len(waiting) - most) > 0:
        names.append(f"{others} more")
    return ", ".join(names)


def read(worker: Worker, verb: str, since: float, bound: float, *, is_over: bool = False) -> Stage:
    """Returns how far the tree of ``worker`` is, which began at ``since`` to start or to stop."""
    now = _now_of(worker, since)
    waiting = () if is_over else tuple(_waiting(worker, verb, now))
    return Stage(verb, worker.worker_path, now - since, bound, waiting, is_over)


def _now_of(worker: Worker, default: float) -> float:
    life = worker._worker.life
    return default if life is None else life.loop.time()


def _waiting(root: Worker, verb: str, now: float) -> Iterator[Waiting]:
    busy: set[int] = set()
    for worker in from_below(root):
        if busy.isdisjoint(map(id, children(worker))):
            if (each := _in_it(worker, verb, now)) is None:
                continue
            yield each
        busy.add(id(worker))


def _in_it(worker: Worker, verb: str, now: float) -> Waiting | None:
    """Returns what is to be said of a worker if it is in this stage itself."""
    core, life = worker._worker, worker._worker.life
    if life is None or life.outcome is not None:
        return None
    if verb == STARTING and not life.ready:
        return Waiting(core.path, life.phase.value, now - life.began, core.waits_at())
    if verb == STOPPING and core.state is WorkerState.STOPPING:
        since = min(life.stop_since, life.ran_until, now)
        return Waiting(core.path, life.phase.value, now - since, tasks.await_stack(life.task))
    return None
