"""What the scenarios of stopping share: a life from start to stop, and what to read off it."""

from __future__ import annotations

import asyncio

from fluid import Worker
from fluid.events import WorkerEnded, WorkerEvent, WorkerStopping
from fluid.testing import Policy, Simulation
from fluid.worker.life import STOPPING_PAUSE
from tests.scenarios.cast import LATE, Breakable, Planned, Watch, starting, stop_at_last
from tests.worker.fakes import Recorded, deaf, worker_with
from tests.worker.group_cast import end_of


class Finishing(Breakable):
    """Needs some seconds more when it was asked to stop."""

    def __init__(self, seconds: float, **options) -> None:
        super().__init__(**options)
        self.seconds = seconds

    async def run(self) -> None:
        await super().run()
        await asyncio.sleep(self.seconds)


def greedy(names: str, grace: float = 10) -> list[Recorded]:
    """Returns a worker for each letter that takes all the time it can get: it minds no cancel."""
    members = [worker_with(name=name, run=deaf, stopping_grace_period=grace) for name in names]
    for member in members:
        member.cleanup_period = 0.0
    return members


async def had_enough() -> None:
    """Waits until those who mind no cancel have had enough, so that the loop can end."""
    await asyncio.sleep(4000)


async def lived(sim: Simulation, root: Worker, seconds: float = 1.0) -> float:
    """Starts a tree, stops it some seconds later, and returns how long that took at the root.

    It has ended well by then, and within its bound. To the faults comes a cancel of whoever starts
    it.
    """
    watch = Watch(root)
    await end_of(starting(sim, root))
    await asyncio.sleep(seconds)
    await stop_at_last(root)
    watch.assert_it_ended_well()
    if not root.has_started():
        return 0.0
    took = watch.ended_at - watch.stopping_at
    assert took <= watch.bound + late(sim)
    return took


def late(sim: Simulation) -> float:
    """Returns the seconds by which an end may be late: hardly any where the world is punctual."""
    return 2 * STOPPING_PAUSE if sim.schedule.policy is Policy.FIFO else LATE


def struck(sim: Simulation, fault: str = "") -> bool:
    """Returns whether this schedule has a fault whose name begins like that."""
    return any(strike.fault.startswith(fault) for strike in sim.schedule.strikes)


def was_struck(sim: Simulation, worker: Worker) -> bool:
    """Returns whether this schedule has a fault of that worker's."""
    return any(strike.fault.endswith(f" {worker.worker_path}") for strike in sim.schedule.strikes)


def times_of(worker: Recorded, *kinds: type[WorkerEvent]) -> list[float]:
    """Returns when events of those kinds were told of a worker."""
    return [event.at for event in worker.events if isinstance(event, kinds)]


def stop_of(worker: Recorded) -> float:
    """Returns how many seconds the stop of a worker took."""
    (began,), (ended,) = times_of(worker, WorkerStopping), times_of(worker, WorkerEnded)
    return round(ended - began, 6)


def has_run(worker: Recorded) -> bool:
    """Returns whether ``run`` of a worker has begun."""
    return "run" in worker.diary


async def raise_planned(worker: Worker) -> None:
    """Raises what is planned, in the name of a worker."""
    raise Planned(worker.worker_name)
