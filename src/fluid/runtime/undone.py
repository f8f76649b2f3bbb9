"""What a tree of workers has left undone when all of it has ended, read off its records."""

from __future__ import annotations

from collections.abc import Iterator

from ..rules.lifecycle import WorkerState
from ..worker import Worker, WorkerExit

LOST = ("dropped", "queued", "in_hand")
"""The columns of an account that mean a loss when the process ends."""


def undone(root: Worker) -> tuple[str, ...]:
    """Returns one sentence for each thing that a worker of this tree has left undone."""
    return (*_not_ended_well(root), *_undelivered(root))


def is_abandoned(root: Worker) -> bool:
    """Returns whether the task of any worker in this tree refused to end."""
    return any(worker.worker_exit and worker.worker_exit.abandoned for worker in _everybody(root))


def _children(worker: Worker) -> Iterator[Worker]:
    return (child for child in worker.workers() if child is not worker)


def _everybody(worker: Worker) -> Iterator[Worker]:
    yield worker
    for child in _children(worker):
        yield from _everybody(child)


def _not_ended_well(worker: Worker) -> list[str]:
    """Returns who had to be helped to end; a group only where that was not for its children."""
    sentences = [sentence for child in _children(worker) for sentence in _not_ended_well(child)]
    match worker.worker_exit:
        case None if worker.has_started():
            sentences.append(f"{worker.worker_path} was left running")
        case WorkerExit(abandoned=True):
            sentences.append(f"{worker.worker_path} was abandoned")
        case WorkerExit(state=WorkerState.FORCE_STOPPED) if not sentences:
            sentences.append(f"{worker.worker_path} was stopped by force")
    return sentences


def _undelivered(root: Worker) -> Iterator[str]:
    """Counts messages also where nobody has started, and those in a shared mailbox once."""
    counted: set[int] = set()
    for worker in _everybody(root):
        holder = id(getattr(worker, "worker_mailbox", worker))
        if holder in counted:
            continue
        counted.add(holder)
        account = worker._worker.account()
        if lost := sum(account.get(column, 0) for column in LOST):
            messages = "1 message" if lost == 1 else f"{lost} messages"
            yield f"{worker.worker_path} left {messages} undelivered"
