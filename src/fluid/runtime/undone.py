"""What a tree of workers has left undone when all of it has ended, read off its records."""

from __future__ import annotations

from collections.abc import Iterator

from ..rules.lifecycle import WorkerState
from ..worker import Worker, WorkerExit
from .family import children, from_above, from_below

LOST = ("dropped", "queued", "in_hand")
"""The columns of an account that mean a loss when the process ends."""


def undone(root: Worker) -> tuple[str, ...]:
    """Returns one sentence for each thing that a worker of this tree has left undone."""
    return (*_not_ended_well(root), *_undelivered(root))


def is_abandoned(root: Worker) -> bool:
    """Returns whether the task of any worker in this tree refused to end."""
    return any(worker.worker_exit and worker.worker_exit.abandoned for worker in from_above(root))


def _not_ended_well(root: Worker) -> Iterator[str]:
    """Yields who had to be helped to end; a group only where that was not for its children."""
    not_well: set[int] = set()
    for worker in from_below(root):
        below = not not_well.isdisjoint(map(id, children(worker)))
        sentence = _not_well(worker, below)
        if sentence:
            yield sentence
        if sentence or below:
            not_well.add(id(worker))


def _not_well(worker: Worker, below: bool) -> str:
    match worker.worker_exit:
        case None if worker.has_started():
            return f"{worker.worker_path} was left running"
        case WorkerExit(abandoned=True):
            return f"{worker.worker_path} was abandoned"
        case WorkerExit(state=WorkerState.FORCE_STOPPED) if not below:
            return f"{worker.worker_path} was stopped by force"
    return ""


def _undelivered(root: Worker) -> Iterator[str]:
    """Counts messages also where nobody has started, and those in a shared mailbox once."""
    counted: set[int] = set()
    for worker in from_above(root):
        holder = id(getattr(worker, "worker_mailbox", worker))
        if holder in counted:
            continue
        counted.add(holder)
        account = worker._worker.account()
        if lost := sum(account.get(column, 0) for column in LOST):
            messages = "1 message" if lost == 1 else f"{lost} messages"
            yield f"{worker.worker_path} left {messages} undelivered"
