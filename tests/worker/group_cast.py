"""What the tests of groups share: the history of a tree, loop steps, and children with quirks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from fluid import Worker, Workers
from fluid.events import (
    WorkerAbandoned,
    WorkerEvent,
    WorkerFailed,
    WorkerForceStopped,
    WorkerReady,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
)
from tests.worker.fakes import Recorded, worker_with

VERBS: dict[type[WorkerEvent], str] = {
    WorkerStarted: "start",
    WorkerReady: "ready",
    WorkerStopping: "stop",
    WorkerStopped: "stopped",
    WorkerForceStopped: "forced",
    WorkerFailed: "failed",
    WorkerAbandoned: "abandoned",
}
ENDS = {"stopped", "forced", "failed"}


def history_of(worker: Worker, *verbs: str) -> list[str]:
    """Returns a list that fills with ``"verb path"`` as things happen; of the given verbs only."""
    history: list[str] = []

    def write(event: WorkerEvent) -> None:
        verb = VERBS.get(type(event))
        if verb is not None and (not verbs or verb in verbs):
            history.append(f"{verb} {event.path}")

    worker.subscribe(write)
    return history


def ends_of(worker: Worker) -> list[str]:
    """Returns a list that fills with the paths of those who end, in that order."""
    history: list[str] = []

    def write(event: WorkerEvent) -> None:
        if VERBS.get(type(event)) in ENDS:
            history.append(event.path)

    worker.subscribe(write)
    return history


def child(name: str, **options) -> Recorded:
    """Returns a recorded worker of that name."""
    return worker_with(name=name, **options)


def children(names: str, **options) -> list[Recorded]:
    """Returns a recorded worker for each letter."""
    return [child(name, **options) for name in names]


class Idle(Worker):
    """Waits until it is stopped, and is as plain as a worker can be."""

    async def run(self) -> None:
        while await self.sleep(3600):
            pass


def steps(number: int) -> Callable[[Worker], Awaitable[None]]:
    """Returns a hook that takes so many steps of the loop."""

    async def hook(_worker: Worker) -> None:
        for _ in range(number):
            await asyncio.sleep(0)

    return hook


async def let_pass(number: int) -> None:
    """Lets the loop take so many steps."""
    for _ in range(number):
        await asyncio.sleep(0)


async def end_of(awaitable: Awaitable[object]) -> BaseException | None:
    """Waits, and returns what was raised, if anything."""
    try:
        await awaitable
    except BaseException as error:
        return error
    return None


def is_over(worker: Worker) -> bool:
    """Returns whether nothing of a worker runs: it has ended, or was never started."""
    return worker.is_stopped() or not worker.has_started()


def assert_nobody_is_left(group: Workers, workers: Iterable[Worker]) -> None:
    """Asserts that the group is over, that all its children are, and their hooks in balance."""
    assert is_over(group), group.worker_state
    for worker in workers:
        assert is_over(worker), (worker.worker_name, worker.worker_state)
        if isinstance(worker, Recorded):
            assert worker.diary.count("on_shutdown") <= worker.diary.count("on_startup") <= 1
            was_abandoned = worker.worker_exit is not None and worker.worker_exit.abandoned
            assert was_abandoned or (worker.diary.count("run") <= worker.diary.count("on_shutdown"))
