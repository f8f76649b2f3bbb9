"""What the scenarios share: workers that can break, the faults of a tree, and what must hold after.

Every scenario builds a small tree, offers :func:`faults_of` it, lets it run, ends it with
:func:`stop_at_last`, and asserts :func:`assert_it_ended_well` beside what it is about.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from math import inf

from fluid import FluidError, Worker, Workers, WorkerStartError
from fluid.events import WorkerEnded, WorkerEvent, WorkerReady, WorkerStopping
from fluid.rules.lifecycle import FINAL_STATES
from fluid.testing import Simulation
from tests.exploring import Fault
from tests.worker.fakes import Recorded
from tests.worker.group_cast import end_of

LATE = 1.0
"""Seconds by which a bound may be missed where timers are late: up to 20 ms each, and many."""


class Planned(Exception):
    """What a worker of these scenarios raises on purpose."""


class Breakable(Recorded):
    """Waits in ``run`` until it has to stop, or until it is broken."""

    breaks: asyncio.Future[None] | None = None

    def is_unbreakable(self) -> bool:
        """Returns whether it is not in ``run``, or broken already."""
        return self.breaks is None or self.breaks.done()

    def break_(self) -> None:
        """Makes ``run`` raise at its present await; nothing if it is not in it."""
        if not self.is_unbreakable():
            self.breaks.set_exception(Planned(self.worker_name))
            self.breaks.exception()  # a cancel in the same step keeps ``run`` from looking at it

    async def run(self) -> None:
        self.diary.append("run")
        self.breaks = asyncio.get_running_loop().create_future()
        try:
            await self.wait_or_stop(self.breaks)
        finally:
            self.breaks.cancel()


class Announcing(Breakable):
    """Says after so many seconds of ``run`` that it is ready."""

    announces_readiness = True

    def __init__(self, after: float, **options) -> None:
        super().__init__(**options)
        self.after = after

    async def run(self) -> None:
        timer = asyncio.get_running_loop().call_later(self.after, self.set_ready)
        try:
            await super().run()
        finally:
            timer.cancel()


def tree_of(root: Worker) -> list[Worker]:
    """Returns a worker and everything below it, itself first."""
    found = [root]
    for worker in root.workers():
        if worker is not root:
            found += tree_of(worker)
    return found


def has_no_task(worker: Worker) -> bool:
    """Returns whether the task that a worker lives in has ended, or not begun."""
    life = worker._worker.life
    return life is None or life.task is None or life.task.done()


def cancel_task_of(worker: Worker) -> None:
    """Cancels the task that a worker lives in, as a third party would."""
    if not has_no_task(worker):
        worker._worker.life.task.cancel()


def faults_of(sim: Simulation, root: Worker) -> None:
    """Offers, for each worker of a tree: a stop, a stop by force, a foreign cancel, a failure."""
    faults_of_each(sim, *tree_of(root))


def faults_of_each(sim: Simulation, *workers: Worker) -> None:
    """Offers the same for these workers, and not for those below them."""
    for worker in workers:
        name = worker.worker_path
        sim.offer(f"stop {name}", worker.gracefully_stop)
        sim.offer(f"force {name}", Fault(worker._worker.force, worker.is_stopped))
        cancel, has_none = partial(cancel_task_of, worker), partial(has_no_task, worker)
        sim.offer(f"cancel {name}", Fault(cancel, has_none))
        if isinstance(worker, Breakable):
            sim.offer(f"break {name}", Fault(worker.break_, worker.is_unbreakable))


def errors_of(worker: Worker) -> tuple[BaseException, ...]:
    """Returns the error that ended a worker, if one did, and what else its record has."""
    record = worker.worker_exit
    if record is None or record.exception is None:
        return ()
    return (record.exception, *record.errors)


class Watch:
    """Listens to a tree, and knows afterwards whether all of it ended as it should have."""

    def __init__(self, root: Worker) -> None:
        self.root = root
        self.ends: Counter[str] = Counter()
        self.order: list[str] = []
        self.stopping_at = self.bound = self.ended_at = inf
        root.subscribe(self._hear)

    def _hear(self, event: WorkerEvent) -> None:
        if isinstance(event, WorkerEnded):
            self.ends[event.path] += 1
            self.order.append(event.path)
            self.ended_at = event.at
        elif isinstance(event, WorkerStopping) and event.path == self.root.worker_path:
            self.stopping_at, self.bound = event.at, event.bound

    def assert_it_ended_well(self) -> None:
        """Asserts what is true of any tree that has ended, whatever befell it."""
        for worker in tree_of(self.root):
            name, state = worker.worker_path, worker.worker_state
            if not worker.has_started():
                assert self.ends[name] == 0, name
                continue
            assert state in FINAL_STATES, (name, state)
            assert self.ends[name] == 1, (name, self.ends)
            record = worker.worker_exit
            assert record is not None
            assert record.state is state
            assert not worker.is_ready()
            if isinstance(worker, Recorded):
                _assert_hooks_in_balance(worker, abandoned=record.abandoned)
        if self.root.has_started():
            assert self.order[-1] == self.root.worker_path, self.order
            assert self.ended_at <= self.stopping_at + self.bound + LATE


def _assert_hooks_in_balance(worker: Recorded, *, abandoned: bool) -> None:
    hooks = Counter(entry for entry in worker.diary if isinstance(entry, str))
    assert max(hooks.values(), default=0) <= 1, worker.diary
    assert hooks["run"] <= hooks["on_startup"], worker.diary
    assert hooks["on_shutdown"] <= hooks["on_startup"], worker.diary
    if hooks["run"] and not abandoned:
        assert hooks["on_shutdown"] == 1, worker.diary
    assert isinstance(worker.diary[-1], tuple), worker.diary  # after_shutdown, always, and last


async def stop_at_last(root: Worker) -> BaseException | None:
    """Stops a tree, waits for its end, and returns what ended it: ours, or an error of fluid's."""
    error = await end_of(root.shutdown())
    assert error is None or isinstance(error, (Planned, FluidError, asyncio.CancelledError)), error
    return error


def breakables(names: str, **options) -> list[Breakable]:
    """Returns a worker that can break for each letter."""
    return [Breakable(name=name, **options) for name in names]


def group_of(*workers: Worker, **options) -> Workers:
    """Returns a group of that name."""
    return Workers(*workers, **{"name": "group", **options})


def starting(sim: Simulation, worker: Worker) -> asyncio.Task[None]:
    """Starts a worker in a task of its own, and offers to cancel that."""
    start = asyncio.ensure_future(worker.startup())
    sim.offer("cancel the starter", start.cancel)
    return start


def assert_the_starter_was_told(worker: Recorded, error: BaseException | None) -> None:
    """Asserts that ``startup()`` has returned from a start, or raised when all of it was over."""
    record = worker.worker_exit
    if error is None:
        assert any(isinstance(event, WorkerReady) for event in worker.events)
    elif worker.has_started():
        assert worker.is_stopped()
    if error is not None and not isinstance(error, (WorkerStartError, asyncio.CancelledError)):
        assert record is not None
        assert error is record.exception
