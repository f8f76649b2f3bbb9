"""The wait before a restart: how long it is, who may cut it short, and what a stop does to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import ClassVar

import pytest

from fluid import Backoff, ChildSpec, DynamicSupervisor, Supervisor, Worker
from fluid.events import RestartScheduled, WorkerEvent, WorkerStarted
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import LATE, Planned, stop_at_last
from tests.scenarios.restart_cast import few_faults, since, states_of
from tests.scenarios.supervised_cast import Lives, Maker, makers, supervisor_of
from tests.worker.fakes import now, raising, worker_with
from tests.worker.group_cast import end_of

TEN_SECONDS = {"backoff": Backoff(initial=10, factor=1, jitter=0), "max_restarts": 5, "period": 600}


def delays_of(app: Worker) -> list[float]:
    """Returns a list that fills with the waits before restarts."""
    delays: list[float] = []

    def write(event: WorkerEvent) -> None:
        if isinstance(event, RestartScheduled):
            delays.append(event.delay)

    app.subscribe(write)
    return delays


def crashing(name: str = "a") -> Worker:
    """Returns a worker that crashes as soon as it runs."""
    return worker_with(name=name, run=raising(Planned("again")))


# --- how long ------------------------------------------------------------------------------------


@explored(seeds=20)
async def test_waits_grow_up_to_a_maximum_and_vary_by_chance(sim: Simulation) -> None:
    """P17"""
    app = supervisor_of(crashing, backoff=Backoff(), max_restarts=8, period=600, seed=sim.seed)
    delays, starts = delays_of(app), []

    def note(event: WorkerEvent) -> None:
        if isinstance(event, WorkerStarted) and event.path == "app/a":
            starts.append(event.at)

    app.subscribe(note)
    await end_of(app.startup())  # it may give up before it has ever been ready
    await end_of(app.wait_for_shutdown())
    assert len(delays) == 8
    for delay, base in zip(delays, [0.5, 1, 2, 4, 8, 16, 30, 30], strict=True):
        assert 0.8 * base <= delay <= 1.2 * base
    for delay, before, start in zip(delays, starts, starts[1:], strict=False):
        assert before + delay - 1e-6 <= start <= before + delay + LATE
    sim.sometimes("shorter", delays[-1] < 30)
    sim.sometimes("longer", delays[-1] > 30)


class Client(Worker):
    """Runs until what all of its kind depend on is gone."""

    server: ClassVar[asyncio.Future[None]]

    async def run(self) -> None:
        await self.wait_or_stop(self.server)


@pytest.mark.lazy_only("what is measured is chance")
async def test_a_thousand_that_die_together_do_not_come_back_together() -> None:
    """P18"""
    loop = asyncio.get_running_loop()
    ten_seconds = Backoff(initial=10, factor=1, jitter=0.2)
    app = DynamicSupervisor(Client, backoff=ten_seconds, max_restarts=1000, period=10_000)
    Client.server = loop.create_future()
    async with app:
        await asyncio.gather(*(app.start_child() for _ in range(1000)))
        starts: Counter[float] = Counter()
        app.subscribe(lambda event: starts.update([event.at]) if _is_start(event) else None)
        died_at, broken, Client.server = now(), Client.server, loop.create_future()
        broken.set_exception(Planned("all of us"))
        await asyncio.sleep(15)
    assert starts.total() == 1000
    assert died_at + 8 <= min(starts)
    assert max(starts) <= died_at + 12
    in_each_tenth = Counter(int(at * 10) for at in starts)
    assert max(in_each_tenth.values()) < 60  # 25, more or less


def _is_start(event: WorkerEvent) -> bool:
    return isinstance(event, WorkerStarted)


@explored(seeds=5)
async def test_same_seed_makes_the_same_waits() -> None:
    """P18"""

    async def delays_with(seed: int | None) -> list[float]:
        app = supervisor_of(crashing, backoff=Backoff(), max_restarts=5, seed=seed)
        delays = delays_of(app)
        await end_of(app.startup())  # it may give up before it has ever been ready
        await end_of(app.wait_for_shutdown())
        return delays

    first = await delays_with(1)
    assert await delays_with(1) == first
    assert await delays_with(2) != first


# --- a request to restart meanwhile --------------------------------------------------------------


@explored(seeds=20)
async def test_restart_that_is_asked_for_does_not_wait_for_the_back_off() -> None:
    """P20: OTP refuses this ("restarting"); here it is done at once, for that child alone."""
    a, b = makers("ab")
    app = supervisor_of(a, b, **TEN_SECONDS)
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    a.now.break_()
    b.now.break_()
    await asyncio.sleep(5)
    assert states_of(app) == {"a": "restarting", "b": "restarting"}
    assert not app.is_ready()
    asked_at = now()
    assert await app.restart_child("a") is a.now
    assert now() - asked_at < 0.1
    assert states_of(app) == {"a": "running", "b": "restarting"}
    await asyncio.sleep(10)
    assert sorted(since(lives, 4).split(", ")) == ["start a", "start b"]  # the timer is disarmed
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_restart_that_is_asked_for_at_any_step_makes_no_second_instance(
    sim: Simulation,
) -> None:
    """P20"""
    a = Maker("a")
    app = supervisor_of(a, **TEN_SECONDS)
    lives = Lives(app)
    requests: list[asyncio.Future[object]] = []

    def restart() -> None:
        if not app.is_stopped():  # else nobody would wait for the answer
            requests.append(sim.loop.create_task(end_of(_restart(app))))

    sim.offer("restart a", restart)
    few_faults(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(5)
    await end_of(app.restart_child("a"))
    assert a.now.is_ready() or sim.schedule.strikes
    await asyncio.sleep(20)
    await stop_at_last(app)
    await asyncio.gather(*requests)
    lives.assert_all_is_well()
    assert not any(worker.is_running() for worker in a.made)


async def _restart(app: Supervisor) -> None:
    await app.restart_child("a")  # which may raise in here, as it was made in the step of a fault


# --- a stop meanwhile ----------------------------------------------------------------------------


@explored(seeds=80)
async def test_nobody_is_restarted_once_the_stop_was_asked_for(sim: Simulation) -> None:
    """P25: whoever dies in that instant, before or after."""
    a, b = makers("ab")
    app = supervisor_of(a, b, strategy="one_for_all", max_restarts=sim.random().choice([0, 5]))
    lives = Lives(app)
    asked_after: list[int] = []

    def stop() -> None:
        app.gracefully_stop()
        asked_after.append(len(lives.log))

    await app.startup()
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    loop.call_later(1, lambda: a.now.break_())
    loop.call_later(1, stop)
    await asyncio.sleep(5)
    assert app.is_stopped()
    decisions = {"RestartScheduled", "GaveUp", "WorkerStarted"}
    assert not decisions & {kind for kind, _ in lives.log[asked_after[0] :]}
    was_late = bool({"RestartScheduled", "GaveUp"} & {kind for kind, _ in lives.log})
    sim.sometimes("the death was first", was_late)
    sim.sometimes("the stop was first", not was_late)
    await stop_at_last(app)
    lives.assert_all_is_well()


@explored(faults="offered", swept=True)
async def test_stop_ends_the_wait_for_a_back_off(sim: Simulation) -> None:
    """P25"""
    a, b = makers("ab")
    app = supervisor_of(a, ChildSpec(b, restart="transient"), **TEN_SECONDS)
    lives = Lives(app)
    few_faults(sim, app, a)
    await end_of(app.startup())
    await asyncio.sleep(1)
    a.now.break_()
    await asyncio.sleep(1)
    asked_at = now()
    await stop_at_last(app)
    assert now() - asked_at < 0.1
    await asyncio.sleep(20)
    lives.assert_all_is_well()
    assert sim.schedule.strikes or len(a.made) == 1
