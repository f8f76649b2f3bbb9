"""Everybody in a tree of workers, one after the other. No recursion: nobody's tree is too deep."""

from __future__ import annotations

from collections.abc import Iterator

from ..worker import Worker


def children(worker: Worker) -> list[Worker]:
    """Returns those right below a worker, in order."""
    return [child for child in worker.workers() if child is not worker]


def from_above(worker: Worker) -> Iterator[Worker]:
    """Yields a worker and all below it, each before its children."""
    waiting = [worker]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(children(each)[::-1])


def from_below(worker: Worker) -> list[Worker]:
    """Returns a worker and all below it, each after its children."""
    order, waiting = list[Worker](), [worker]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(children(order[-1]))
    return order[::-1]
