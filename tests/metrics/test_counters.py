"""Counters never go back, whatever happens to their workers."""

from __future__ import annotations

import asyncio

from fluid import (
    Backoff,
    ChildSpec,
    Mailbox,
    PeriodicWorker,
    QueueConsumerWorker,
    Supervisor,
    every,
)
from tests.metrics.metrics_cast import scrape

PATIENT = {"max_restarts": 100, "period": 600.0, "backoff": Backoff(1, maximum=1, jitter=0)}


async def fail(*_: object) -> None:
    raise OSError("gone")


async def test_the_fires_of_a_worker_that_fails_at_each_of_them_are_all_counted():
    """A counter that began anew with each life would read 1 for ever, and nobody would know."""
    seen = []
    sweep = PeriodicWorker(fail, every(10), name="sweep")
    async with Supervisor(sweep, name="app", **PATIENT) as app:
        for _ in range(3):
            await asyncio.sleep(0.5)
            counts = scrape(app)
            fires = counts.value("fluid_timer_fires_total", worker="app/sweep")
            seen.append((fires, counts.value("fluid_timer_failures_total", worker="app/sweep")))
            assert (await sweep.status())["timer"]["fires"] == 1
            await asyncio.sleep(0.5)
    assert seen == [(1, 1), (2, 2), (3, 3)]


async def test_messages_that_end_their_consumer_are_all_counted():
    consumer = QueueConsumerWorker(fail, name="q")
    async with Supervisor(consumer, name="app", **PATIENT) as app:
        for _ in range(3):
            consumer.send(1)
            await asyncio.sleep(2)
        outcomes = scrape(app).of("fluid_messages_settled_total", "outcome")
        assert outcomes == {"handled": 0, "dead": 3, "dropped": 0, "returned": 0}


async def test_the_restarts_of_children_that_have_gone_stay_counted():
    spec = ChildSpec(lambda: QueueConsumerWorker(fail, name="q"), id="q")
    async with Supervisor(name="app", **PATIENT) as app:
        child = await app.add_child(spec)
        child.send(1)
        await asyncio.sleep(2)
        assert scrape(app).of("fluid_worker_restarts_total") == {"app/q": 1}
        await app.remove_child("q")
        assert scrape(app).of("fluid_worker_restarts_total") == {}
        assert scrape(app).of("fluid_supervisor_restarts_total") == {"app": 1}


async def test_a_consumer_that_is_made_anew_at_each_restart_goes_on_counting():
    spec = ChildSpec(lambda: QueueConsumerWorker(fail, name="q"), id="q")
    async with Supervisor(spec, name="app", **PATIENT) as app:
        for _ in range(3):
            (consumer,) = app.workers()
            consumer.send(1)
            consumer.send(2)
            await asyncio.sleep(2)
        counts = scrape(app)
        assert counts.value("fluid_messages_accepted_total", worker="app/q") == 6
        assert counts.value("fluid_handler_failures_total", worker="app/q") == 3
        outcomes = counts.of("fluid_messages_settled_total", "outcome")
        assert outcomes == {"handled": 0, "dead": 3, "dropped": 3, "returned": 0}


async def test_a_mailbox_that_outlives_its_consumers_is_not_counted_twice():
    box = Mailbox[int]()
    spec = ChildSpec(lambda: QueueConsumerWorker(fail, name="q", mailbox=box), id="q")
    async with Supervisor(spec, name="app", **PATIENT) as app:
        for _ in range(3):
            box.send(1)
            await asyncio.sleep(2)
        assert scrape(app).of("fluid_messages_accepted_total") == {"app/q": 3}


async def test_a_periodic_worker_that_is_made_anew_goes_on_counting():
    spec = ChildSpec(lambda: PeriodicWorker(fail, every(10), name="sweep"), id="sweep")
    async with Supervisor(spec, name="app", **PATIENT) as app:
        await asyncio.sleep(2.5)
        assert scrape(app).of("fluid_timer_fires_total") == {"app/sweep": 3}


async def test_another_kind_of_worker_in_the_same_place_begins_its_own_count():
    kinds = [PeriodicWorker(fail, every(10), name="one"), QueueConsumerWorker(fail, name="two")]
    kinds.append(PeriodicWorker(fail, every(10), name="three"))
    spec = ChildSpec(lambda: kinds.pop(0), id="odd")
    async with Supervisor(spec, name="app", **PATIENT) as app:
        await asyncio.sleep(1.5)
        assert scrape(app).of("fluid_timer_fires_total") == {}
        assert scrape(app).of("fluid_messages_accepted_total") == {"app/odd": 0}
