"""What is said of a tree from outside: live, ready, and what is wrong."""

from __future__ import annotations

import asyncio
import time
from math import inf

import pytest

from fluid import (
    Backoff,
    ChildSpec,
    QueueConsumerWorker,
    Supervisor,
    Worker,
    Workers,
)
from fluid.health import Health, Phase, Trouble
from fluid.health.reading import Findings, look
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.worker.fakes import Recorded, deaf_to, raising, worker_with

SLOWLY = Backoff(initial=5, jitter=0)


class Failing(Recorded):
    """Fails after some time."""

    def __init__(self, *, after: float = 1, **options) -> None:
        super().__init__(**options)
        self.after = after

    async def run(self) -> None:
        if await self.sleep(self.after):
            raise OSError("gone\nhome")


class Clinging(Worker):
    """Reports nothing, and takes its time to end."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def on_shutdown(self) -> None:
        await asyncio.sleep(3)


def app(*children: object, **options) -> Supervisor:
    return supervisor_of(*children, **{"backoff": SLOWLY, "max_restarts": 3, **options})


async def test_without_a_worker_it_is_starting() -> None:
    health = Health(name="app:main")
    report = health.report()
    assert (report.name, report.phase) == ("app:main", Phase.STARTING)
    assert (report.is_live, report.is_ready, health.is_ready()) == (True, False, False)
    assert health.tree() == {}


async def test_the_phases_of_a_life() -> None:
    worker = worker_with(
        startup=lambda _: asyncio.sleep(1), shutdown=lambda _: asyncio.sleep(1), name="app"
    )
    health, phases = Health(worker), []

    def note() -> None:
        phases.append((health.report().phase, health.report().is_live, health.is_ready()))

    note()
    starting = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(0.5)
    note()
    await starting
    note()
    worker.gracefully_stop()
    note()
    await worker.wait_for_shutdown()
    note()
    assert phases == [
        (Phase.STARTING, True, False),
        (Phase.STARTING, True, False),
        (Phase.READY, True, True),
        (Phase.STOPPING, True, False),
        (Phase.ENDED, False, False),
    ]


async def test_what_the_process_means_to_do_counts_before_the_workers_know() -> None:
    """H03"""
    async with worker_with() as worker:
        health = Health(worker)
        assert health.is_ready()
        health.leaving = Phase.STOPPING
        report = health.report()
        assert (report.phase, report.is_ready, health.is_ready()) == (Phase.STOPPING, False, False)
        assert (report.is_live, worker.is_ready()) == (True, True)
        health.leaving = None
        assert health.is_ready()


async def test_a_needed_child_that_is_down_makes_it_not_ready_and_says_until_when() -> None:
    """H12"""
    async with app(Maker("db", Failing), Maker("api")) as tree:
        health = Health(tree)
        await asyncio.sleep(3)
        report = health.report()
        assert (report.phase, report.is_ready, report.is_live) == (Phase.NOT_READY, False, True)
        what = "restarts in 3.0 s, as it failed (OSError: gone)"
        assert report.not_ready == (Trouble("app/db", what),)
        assert report.summary == f"not ready: app/db {what}"
        await asyncio.sleep(3.5)
        assert health.is_ready()
        assert health.report().summary == "ready, 3 workers"


async def test_an_optional_child_that_is_down_only_degrades_it() -> None:
    """H12"""
    optional = ChildSpec(Maker("cache", Failing), restart="transient")
    async with app(optional, Maker("api")) as tree:
        health = Health(tree)
        await asyncio.sleep(3)
        report = health.report()
        assert (report.phase, report.is_ready, health.is_ready()) == (Phase.READY, True, True)
        what = "restarts in 3.0 s, as it failed (OSError: gone)"
        assert report.summary == f"ready, 3 workers; degraded: app/cache {what}"
        assert report.as_dict()["degraded"] == [{"worker": "app/cache", "what": what}]


async def test_an_optional_child_that_has_ended_well_is_no_trouble() -> None:
    job = worker_with(run=lambda _: asyncio.sleep(0.5), name="job")
    async with app(ChildSpec(job, restart="transient"), Maker("api")) as tree:
        await asyncio.sleep(1)
        assert Health(tree).report().degraded == ()


async def test_whoever_keeps_a_start_from_being_over_is_named_not_the_groups_above() -> None:
    slow = worker_with(startup=lambda _: asyncio.sleep(9), name="slow")
    tree = Workers(worker_with(name="quick"), Workers(slow, name="inner"), name="app")
    starting = asyncio.ensure_future(tree.startup())
    await asyncio.sleep(2)
    assert Health(tree).report().summary == ("starting: app/inner/slow has been starting for 2.0 s")
    await starting
    assert Health(tree).report().summary == "ready, 4 workers"
    await tree.shutdown()


async def test_whoever_keeps_a_stop_from_being_over_is_named() -> None:
    slow = worker_with(shutdown=lambda _: asyncio.sleep(3), name="slow")
    tree = Workers(worker_with(name="quick"), Workers(slow, name="inner"), name="app")
    await tree.startup()
    tree.gracefully_stop()
    await asyncio.sleep(1)
    report = Health(tree).report()
    assert report.summary == "stopping: app/inner/slow is stopping"
    assert report.is_live
    await tree.wait_for_shutdown()


async def test_a_root_that_has_failed_while_the_process_goes_on_is_dead() -> None:
    worker = worker_with(run=raising(ValueError("no\nway")), name="app")
    health = Health(worker)
    with pytest.raises(ValueError):
        async with worker:
            await asyncio.sleep(1)
    report = health.report()
    assert (report.phase, report.is_live) == (Phase.ENDED, False)
    assert report.not_live == (Trouble("app", "failed (ValueError: no)"),)
    assert report.summary == "ended: app failed (ValueError: no)"
    health.leaving = Phase.STOPPING
    assert health.report().is_live


async def test_a_root_that_was_abandoned_is_dead() -> None:
    worker = worker_with(run=deaf_to(9), name="app", stopping_grace_period=0)
    await worker.startup()
    await worker.shutdown()
    assert Health(worker).report().not_live == (Trouble("app", "refused to end and was abandoned"),)
    await asyncio.sleep(3600)


async def test_a_root_that_has_ended_leaves_nothing_behind_that_would_make_sense() -> None:
    job = worker_with(run=lambda _: asyncio.sleep(1), name="job")
    await job.startup()
    await job.wait_for_shutdown()
    report = Health(job).report()
    assert (report.phase, report.is_live, report.is_ready) == (Phase.ENDED, False, False)
    assert report.summary == "ended: job has ended (normal shutdown)"
    health = Health(job)
    health.leaving = Phase.STOPPING  # as the process does that is about to end with it
    assert (health.report().is_live, health.report().summary) == (True, "stopping")


async def test_who_reports_no_progress_and_does_not_end_for_that_makes_it_not_live() -> None:
    """H06"""
    tree = app(ChildSpec(Maker("pump", Clinging), heartbeat_timeout=5))
    await tree.startup()
    health = Health(tree)
    await asyncio.sleep(4.9)
    assert health.report().is_live
    await asyncio.sleep(0.5)
    what = "has not called beat() for 5 s, was cancelled, and has not ended"
    assert health.report().not_live == (Trouble("app/pump", what),)
    await asyncio.sleep(3)  # its cleanup is over, and it waits to be restarted
    assert health.report().is_live
    await tree.shutdown()


async def test_after_a_block_of_the_loop_nobody_is_taken_for_hung() -> None:
    """H06"""
    tree = app(ChildSpec(Maker("pump"), heartbeat_timeout=5))
    await tree.startup()
    watchdog = tree._worker.slots["pump"].core.life.watchdog
    watchdog.last -= 10  # as if a block had kept its timer, and this is the first step after it
    assert Health(tree).report().is_live
    await tree.shutdown()


async def test_a_handler_that_was_left_alone_degrades_it() -> None:
    async def hang(_message: int) -> None:
        await deaf_to(9)(consumer)

    async def bury(*_letter: object) -> None: ...

    consumer = QueueConsumerWorker(
        hang, name="app", handler_timeout=1, concurrency=2, on_dead_letter=bury
    )
    async with consumer:
        consumer.send(1)
        await asyncio.sleep(30)
        assert Health(consumer).report().summary == (
            "ready, 1 worker; degraded: app has a handler that refuses to end"
        )
    await asyncio.sleep(3600)


async def test_a_report_tells_ten_troubles_of_a_kind_and_counts_everybody() -> None:
    children = [worker_with(startup=lambda _: asyncio.sleep(inf), name=f"w{n}") for n in range(20)]
    specs = [ChildSpec(child, restart="transient") for child in children]
    tree = Supervisor(Supervisor(*specs, name="inner"), name="app")
    starting = asyncio.ensure_future(tree.startup())
    await asyncio.sleep(1)
    report = Health(tree).report()
    assert report.workers == {"running": 3, "init": 19}
    assert len(report.not_ready) <= 10
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_it_looks_at_the_whole_tree_four_times_a_second_and_at_a_stop_at_once(
    monkeypatch,
) -> None:
    """H14"""
    looks = []

    def counted(*args: object) -> Findings:
        looks.append(args)
        return look(*args)

    monkeypatch.setattr("fluid.health.health.look", counted)
    async with Workers(worker_with(), name="app") as tree:
        health = Health(tree)
        for _ in range(1000):
            assert health.is_ready()
            health.report()
            await asyncio.sleep(0.001)
        assert 4 <= len(looks) <= 5
        tree.gracefully_stop()
        assert not health.is_ready()
        assert health.report().phase is Phase.STOPPING


@pytest.mark.parametrize(("cost", "age"), [(0.0, 0.25), (0.04, 1.0), (3.0, 2.5)])
async def test_what_took_long_to_look_at_is_looked_at_less_often_but_often_enough(
    cost, age, monkeypatch
) -> None:
    spent = 0.0

    def costly(*args: object) -> Findings:
        nonlocal spent
        spent += cost
        return look(*args)

    monkeypatch.setattr("fluid.health.health.thread_cpu_time", lambda: spent)
    monkeypatch.setattr("fluid.health.health.look", costly)
    async with Workers(worker_with(), name="app") as tree:
        health = Health(tree)
        first = health.report()
        await asyncio.sleep(age - 0.01)
        assert health.report() is first
        await asyncio.sleep(0.02)
        assert health.report() is not first


async def test_a_look_that_had_to_wait_for_the_processor_is_good_no_longer_for_that(
    monkeypatch,
) -> None:
    def interrupted(*args: object) -> Findings:
        time.sleep(0.03)
        return look(*args)

    monkeypatch.setattr("fluid.health.health.look", interrupted)
    async with Workers(worker_with(), name="app") as tree:
        health = Health(tree)
        first = health.report()
        await asyncio.sleep(0.26)
        assert health.report() is not first


async def test_it_calls_no_code_of_the_workers() -> None:
    """H14"""

    class Touchy(Worker):
        async def run(self) -> None:
            await self.sleep(inf)

        async def status(self):
            raise AssertionError

        def is_ready(self) -> bool:
            raise AssertionError

        def workers(self):
            raise AssertionError

    async with Workers(Touchy(name="touchy"), name="app") as tree:
        health = Health(tree)
        assert health.is_ready()
        assert [child["path"] for child in health.tree()["children"]] == ["app/touchy"]
