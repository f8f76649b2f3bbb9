"""The drain delay: readiness is gone at once, and work goes on until nobody sends any more."""

from __future__ import annotations

import asyncio
import logging
from math import inf
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from fluid import Backoff, FluidValueError, QueueConsumerWorker, Supervisor, Worker, run
from fluid.health import Phase
from fluid.runtime.settings import Settings
from tests.runtime.playing import Life, Play, raises, sends, stop

pytestmark = pytest.mark.real

DELAY = 0.05
MEASURED = 0.2
"""Seconds of the delay whose length is measured, on a machine that is busy with other tests."""


def settings(factory, **others):
    return {"loop_factory": factory, "drain_delay": DELAY, **others}


class Shop(QueueConsumerWorker):
    """Takes an order each 10 ms, also while it may be stopped; writes down when, and if ready."""

    def __init__(self) -> None:
        super().__init__(self.take, name="shop")
        self.taken: list[tuple[float, bool, Phase]] = []
        self.stopped_at = inf

    async def on_startup(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.call_later(0.05, sends(SIGTERM))
        self.order()

    def order(self) -> None:
        if self.is_running():
            self.send(self.loop.time())
            self.loop.call_later(0.01, self.order)

    async def take(self, ordered_at: float) -> None:
        health = self.playing.process._outside.health
        self.taken.append((ordered_at, health.is_ready(), health.report().phase))

    async def on_shutdown(self) -> None:
        self.stopped_at = self.loop.time()


def test_work_goes_on_for_the_drain_delay_after_readiness_is_gone_and_not_longer(factory):
    """H03, H04"""
    shop = Shop()
    shop.playing = playing = Play(lambda: shop, settings(factory, drain_delay=MEASURED))
    assert playing.run() == (0, "")
    before = [at for at, is_ready, _ in shop.taken if is_ready]
    draining = [at for at, is_ready, phase in shop.taken if phase is Phase.STOPPING]
    assert before
    assert len(draining) > 3
    assert MEASURED - 0.05 < draining[-1] - before[-1] < MEASURED + 0.1
    assert shop.stopped_at - before[-1] >= MEASURED


def test_what_waits_is_told_as_a_stage(factory):
    playing = Play(lambda: Life(sends(SIGTERM)), settings(factory))
    assert playing.run() == (0, "")
    stage = next(stage for stage in playing.audience.stages if stage.verb == "draining")
    assert (stage.path, stage.bound, stage.waiting) == ("life", DELAY, ())


def test_a_second_signal_ends_the_delay(factory, caplog):
    """H04"""
    caplog.set_level(logging.INFO, "fluid.runtime")
    playing = Play(lambda: Life(sends(SIGTERM, SIGINT)), settings(factory, drain_delay=30.0))
    code, words = playing.run()
    assert code == 128 + SIGINT
    assert words == "life: exit code 130: told again to stop (SIGINT)"
    assert "SIGTERM: life is to stop in 30 seconds; a second" in caplog.text


def test_a_restart_waits_for_it_too(factory):
    diary = []
    phases = []

    class Watched(Life):
        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            phases.append(playing.process._outside.health.report().phase)

    make = lambda: Watched(sends(SIGHUP), stop, diary=diary)  # noqa: E731
    playing = Play(make, settings(factory))
    assert playing.run() == (0, "")
    assert diary == ["start", "end"] * 2
    assert phases == [Phase.RESTARTING, Phase.STOPPING]


def test_a_stop_during_the_delay_of_a_restart_is_the_end(factory):
    diary = []
    acts = (sends(SIGHUP, SIGTERM),)
    assert Play(lambda: Life(*acts, diary=diary), settings(factory)).run() == (0, "")
    assert diary == ["start", "end"]


def test_nothing_is_drained_that_was_not_ready(factory):
    class Slow(Worker):
        async def on_startup(self) -> None:
            sends(SIGTERM)()
            await asyncio.sleep(30)

        async def run(self) -> None: ...

    playing = Play(lambda: Slow(name="slow"), settings(factory, drain_delay=30.0))
    assert playing.run() == (0, "")


def test_a_tree_that_has_been_ready_is_drained_also_while_somebody_is_down(factory):
    async def stop_without_it(worker):
        await worker.worker_parent.wait_ready()
        down._worker.life.fail(OSError("gone"))
        while worker.worker_parent.is_ready():
            await asyncio.sleep(0)
        sends(SIGTERM)()

    down = Life(lambda _: None, name="down")
    children = Life(stop_without_it), down
    tree = Supervisor(*children, backoff=Backoff(initial=30), period=600)
    playing = Play(lambda: tree, settings(factory))
    assert playing.run() == (0, "")
    assert "draining" in [stage.verb for stage in playing.audience.stages]


def test_the_delay_is_part_of_the_deadline_whatever_asks_for_the_stop(factory, monkeypatch):
    async def leave(worker):
        asyncio.get_running_loop().call_soon(raises(SystemExit(7)))
        await asyncio.sleep(0.01)
        seen.append((worker.is_running(), playing.has_to_end))

    seen = []
    monkeypatch.setattr("fluid.runtime.process.arm_last_resort", lambda _: None)
    playing = Play(lambda: Life(leave), settings(factory, deadline=20.0))
    assert playing.run()[0] == 7
    assert seen == [(True, True)]


def test_a_worker_that_ends_meanwhile_is_not_waited_for(factory):
    class Brief(Life):
        async def run(self) -> None:
            sends(SIGTERM)()
            await asyncio.sleep(0.05)

    assert Play(Brief, settings(factory, drain_delay=30.0)).run() == (0, "")


def test_a_delay_that_leaves_no_time_for_the_stop_is_refused():
    text = "a drain delay of 25 seconds leaves nothing of the deadline of 25 for the stop"
    with pytest.raises(FluidValueError, match=text):
        Settings(drain_delay=25.0).check_drain_delay()
    with pytest.raises(FluidValueError, match="leaves nothing"):
        Settings(drain_delay=24.0).check_drain_delay()  # the last second is the interpreter's
    Settings(drain_delay=23.9).check_drain_delay()
    with pytest.raises(FluidValueError, match="leaves nothing"):
        Settings(deadline=inf, drain_delay=inf).check_drain_delay()
    with pytest.raises(FluidValueError, match="drain_delay is not a number of seconds"):
        run(Life(stop), drain_delay=-1)
