"""Workers that compute without a pause, and are stopped all the same."""

from __future__ import annotations

import threading
import time

import pytest

from fluid import Worker, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, starting
from tests.worker.fakes import Recorded
from tests.worker.group_cast import end_of


class Computing(Recorded):
    """Never pauses but at the end of each round, for no time at all."""

    rounds = 0

    def compute(self) -> None:
        """Has nothing to do here."""

    async def run(self) -> None:
        self.diary.append("run")
        while await self.sleep(0):
            self.rounds += 1
            self.compute()


@explored(faults="offered", swept=True, pairs=50)
async def test_a_worker_that_computes_without_a_pause_stops_at_its_next_await(sim: Simulation):
    """N08"""
    worker = Computing(name="computing")
    watch = Watch(worker)
    rounds_when_asked: list[int] = []

    def stop() -> None:
        if worker.is_running():
            rounds_when_asked.append(worker.rounds)
            worker.gracefully_stop()

    def compute() -> None:
        if worker.rounds == 5:  # somebody asks in the middle of a round, as a thread would
            stop()

    worker.compute = compute
    sim.offer("stop", stop)
    sim.offer("force", worker._worker.force)
    await end_of(starting(sim, worker))
    await end_of(worker.wait_for_shutdown())
    watch.assert_it_ended_well()
    sim.sometimes("between two rounds", 0 < worker.rounds < 5)
    assert worker.rounds <= 5
    assert [worker.rounds] == rounds_when_asked or sim.schedule.strikes
    assert not rounds_when_asked or worker.rounds == rounds_when_asked[0]


@pytest.mark.real
@pytest.mark.parametrize("looks", [True, False])
async def test_a_thread_stops_a_worker_that_computes_when_it_awaits_next(looks: bool):
    """N08: at once if it looks at what its sleep returns, when its grace is over if it does not."""
    has_begun, asked = threading.Event(), threading.Event()
    rounds_after = 0

    class Busy(Worker):
        async def run(self) -> None:
            nonlocal rounds_after
            while await self.sleep(0) or not looks:
                rounds_after += asked.is_set()
                has_begun.set()
                until = time.perf_counter() + 0.02
                while time.perf_counter() < until:
                    pass

    worker = Busy(stopping_grace_period=0.05)

    def stop() -> None:
        has_begun.wait()
        worker.gracefully_stop()
        asked.set()

    await worker.startup()
    thread = threading.Thread(target=stop)
    thread.start()
    await worker.wait_for_shutdown()
    thread.join()
    if looks:
        assert rounds_after <= 1
        assert worker.worker_state is WorkerState.STOPPED
    else:
        assert rounds_after <= 10
        assert worker.worker_state is WorkerState.FORCE_STOPPED
