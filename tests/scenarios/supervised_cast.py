"""What the scenarios with supervisors share: makers of workers, their faults, and what must hold.

A supervised worker has many lives. :class:`Lives` listens to a tree and knows afterwards whether
what is true of any tree of supervisors was true of this one, whatever befell it.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from math import inf
from typing import Any

from fluid import Backoff, Supervisor, Worker
from fluid.events import (
    RestartScheduled,
    WorkerAbandoned,
    WorkerEnded,
    WorkerEvent,
    WorkerStarted,
    WorkerStopping,
)
from fluid.testing import Simulation
from tests.exploring import Fault
from tests.scenarios.cast import LATE, Breakable, cancel_task_of, has_no_task

AT_ONCE = Backoff(initial=0)
"""No back-off."""

FOR_EVER = 10**6
"""More restarts than any scenario makes."""


class Maker:
    """Makes workers of one name, and remembers them: what a supervisor is given as a child."""

    def __init__(self, name: str, kind: type[Worker] = Breakable, **options: Any) -> None:
        self.__name__ = name
        self._kind, self._options = kind, options
        self.made: list[Any] = []

    def __call__(self) -> Worker:
        self.made.append(self._kind(name=self.__name__, **self._options))
        return self.now

    @property
    def now(self) -> Any:
        """The present incarnation, or the last one."""
        return self.made[-1]


def makers(names: str, **options: Any) -> list[Maker]:
    """Returns a maker for each letter."""
    return [Maker(name, **options) for name in names]


def supervisor_of(*children: Any, **options: Any) -> Supervisor:
    """Returns a supervisor that restarts at once and never gives up, unless told otherwise."""
    defaults = {"name": "app", "backoff": AT_ONCE, "max_restarts": FOR_EVER, "seed": 0}
    return Supervisor(*children, **{**defaults, **options})


def faults_of_supervised(sim: Simulation, root: Supervisor, *children: Maker | Worker) -> None:
    """Offers: to stop, force and cancel the root, and the same and a failure for each child."""
    for worker in (root, *children):
        name = worker.__name__ if isinstance(worker, Maker) else worker.worker_name
        ended, has_none = partial(_has_ended, worker), partial(_has_no_task, worker)
        sim.offer(f"stop {name}", Fault(partial(_present, worker, "gracefully_stop"), ended))
        sim.offer(f"force {name}", Fault(partial(_force, worker), ended))
        sim.offer(f"cancel {name}", Fault(partial(_cancel, worker), has_none))
    for child in children:
        name = child.__name__ if isinstance(child, Maker) else child.worker_name
        whole = partial(_present, child, "is_unbreakable")
        sim.offer(f"break {name}", Fault(partial(_present, child, "break_"), whole))


def _now(worker: Maker | Worker) -> Any:
    return worker.now if isinstance(worker, Maker) else worker


def _present(worker: Maker | Worker, verb: str) -> Any:
    return getattr(_now(worker), verb)()


def _force(worker: Maker | Worker) -> None:
    _now(worker)._worker.force()


def _cancel(worker: Maker | Worker) -> None:
    cancel_task_of(_now(worker))


def _has_ended(worker: Maker | Worker) -> bool:
    return _now(worker).is_stopped()


def _has_no_task(worker: Maker | Worker) -> bool:
    return has_no_task(_now(worker))


class Lives:
    """Listens to a tree of supervisors and holds it to what must be true at any moment."""

    def __init__(self, root: Worker) -> None:
        self.root = root
        self.alive: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self.in_this_life: Counter[str] = Counter()
        """How often each was started in the present life of its parent."""
        self.ends: Counter[str] = Counter()
        self.scheduled: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []
        """What has happened: the type of each event, and the path it is about."""
        self.faults: list[str] = []
        self.stopping: set[str] = set()
        self.abandoned: set[str] = set()
        self.stopping_at = self.bound = self.ended_at = inf
        root.subscribe(self._hear)

    def _hear(self, event: WorkerEvent) -> None:
        path = event.path
        self.log.append((type(event).__name__, path))
        match event:
            case WorkerStarted():
                self._began(path)
            case WorkerEnded():
                self.alive[path] -= 1
                self.ends[path] += 1
                self.ended_at = event.at
            case WorkerStopping(bound=bound):
                self.stopping.add(path)
                if path == self.root.worker_path:
                    self.stopping_at, self.bound = event.at, bound
            case WorkerAbandoned():
                self.abandoned.add(path)
            case RestartScheduled():
                self.scheduled[path] += 1
                self._restart_scheduled(path)

    def _began(self, path: str) -> None:
        self.stopping.discard(path)
        self.starts[path] += 1
        self.alive[path] += 1
        if self.alive[path] > 1:
            self.faults.append(f"two incarnations of {path} at once")
        if path in self.abandoned:
            self.faults.append(f"{path} was started again after it had been abandoned")
        for below in [each for each in self.in_this_life if each.startswith(f"{path}/")]:
            del self.in_this_life[below]  # they begin with it, and that is no restart of theirs
        self.in_this_life[path] += 1
        if self.in_this_life[path] > 1 and (above := self._stopping_above(path)):
            self.faults.append(f"{path} was started again while {above} was stopping")

    def _restart_scheduled(self, path: str) -> None:
        if above := self._stopping_above(path):
            self.faults.append(f"a restart of {path} was scheduled while {above} was stopping")

    def _stopping_above(self, path: str) -> str | None:
        return next((each for each in self.stopping if path.startswith(f"{each}/")), None)

    def order(self, kind: str) -> list[str]:
        """Returns the paths of the events of one kind, in order."""
        return [path for name, path in self.log if name == kind]

    def assert_all_is_well(self) -> None:
        """Asserts what is true of any tree of supervisors that has ended, whatever befell it."""
        assert not self.faults, self.faults
        assert self.starts == self.ends, (self.starts, self.ends)
        assert not any(self.alive.values()), self.alive
        root = self.root.worker_path
        if self.root.has_started():
            assert self.starts[root] == self.ends[root] == 1
            assert self.order("WorkerStopping")[-1:] != [], self.log
            ends = [path for name, path in self.log if name in _ENDS]
            assert ends[-1] == root, ends
            assert self.ended_at <= self.stopping_at + self.bound + LATE


_ENDS = {"WorkerStopped", "WorkerForceStopped", "WorkerFailed"}
