"""The clean-up after a cancel: it has its period, wherever it is written, and no more."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid import CleanupTimeoutError, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import faults_of
from tests.scenarios.stop_cast import late, lived
from tests.worker.fakes import Recorded

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


class Tidying(Recorded):
    """Cleans up for some seconds, in one of the places where that is done.

    Attributes:
        tidied: Whether it came to the end of it.
    """

    def __init__(self, place: str, seconds: float, **options) -> None:
        super().__init__(name="tidying", stopping_grace_period=1, **options)
        self.place, self.seconds = place, seconds
        self.cancel_period = self.cleanup_period = 1.0
        self.tidied: bool | None = None

    async def tidy(self) -> None:
        self.tidied = False
        await asyncio.sleep(self.seconds)
        self.tidied = True

    async def on_startup(self) -> None:
        await super().on_startup()
        if self.place == "exit stack":
            self.worker_exit_stack.push_async_callback(self.tidy)

    async def run(self) -> None:
        self.diary.append("run")
        try:
            await asyncio.sleep(inf)
        finally:
            if self.place == "finally":
                await self.tidy()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        if self.place == "on_shutdown":
            await self.tidy()


PLACES = ("finally", "on_shutdown", "exit stack")


@pytest.mark.parametrize("place", PLACES)
@explored(faults="offered", swept=True, pairs=20)
async def test_a_clean_up_of_half_a_minute_is_given_up_after_its_period(
    sim: Simulation, place: str
) -> None:
    """F05"""
    worker = Tidying(place, 30)
    faults_of(sim, worker)
    took = await lived(sim, worker)
    assert took <= 1 + 1 + late(sim)
    assert not worker.tidied
    if not sim.schedule.strikes:
        assert took >= 1 + 1
        overran = isinstance(worker.worker_exit.exception, CleanupTimeoutError)
        assert worker.worker_state is (FORCED if place == "finally" else FAILED)
        assert overran == (place != "finally")


@pytest.mark.parametrize("place", PLACES)
@explored(faults="offered", swept=True, pairs=20)
async def test_a_clean_up_within_its_period_is_not_cut(sim: Simulation, place: str) -> None:
    """F06"""
    worker = Tidying(place, 0.5)
    sim.offer("stop tidying", worker.gracefully_stop)
    if place != "finally":  # there, force is one more cancel
        sim.offer("force tidying", worker._worker.force)
    await lived(sim, worker)
    assert worker.tidied is not False
    assert worker.worker_state in (FORCED, STOPPED) or not worker.has_started()
    sim.sometimes("it tidied up", worker.tidied is True)
