"""What metrics say, against what the workers themselves say."""

from __future__ import annotations

import asyncio

import pytest

from fluid import (
    Backoff,
    BatchConsumer,
    ChildSpec,
    Mailbox,
    PeriodicWorker,
    QueueConsumer,
    QueueConsumerWorker,
    Supervisor,
    Worker,
    Workers,
    every,
)
from fluid.health import Health, Stalls
from fluid.rules.retry import Retry
from fluid.testing.wall_clock import START
from tests.metrics.metrics_cast import scrape
from tests.worker.fakes import worker_with

PLAIN = {
    "accepted": "fluid_messages_accepted_total",
    "queued": "fluid_messages_queued",
    "in_hand": "fluid_messages_in_hand",
}
"""Where the account of the messages is to be found, but for their outcomes."""

HANDLING = {
    "paused": "fluid_consumer_paused",
    "oldest_age": "fluid_messages_oldest_age_seconds",
    "failed": "fluid_handler_failures_total",
    "retried": "fluid_handler_retries_total",
    "abandoned": "fluid_handlers_abandoned_total",
    "seconds_waited": "fluid_messages_waited_seconds_total",
    "seconds_handled": "fluid_messages_handling_seconds_total",
}
"""Where what a consumer says of its handling is to be found."""

TIMER = {
    "running": "fluid_timer_running",
    "fires": "fluid_timer_fires_total",
    "missed": "fluid_timer_missed_total",
    "skipped": "fluid_timer_skipped_total",
    "failed": "fluid_timer_failures_total",
}
"""Where what a periodic worker says of its timer is to be found."""


async def odd_ones_fail(number: int) -> None:
    await asyncio.sleep(1)
    if number % 2:
        raise OSError("away")


async def ignore(_: object) -> None: ...


async def bury(message: object, error: BaseException, attempts: int) -> None:
    """Takes what has failed for the last time."""


def poll() -> Worker:
    """Returns a worker that runs until it is stopped."""
    return worker_with(name="poll")


async def test_a_consumer_says_the_same_as_in_its_status():
    retry = Retry(OSError, attempts=2, backoff=Backoff(1, maximum=1, jitter=0))
    consumer = QueueConsumerWorker(odd_ones_fail, name="q", retry=retry, on_dead_letter=bury)
    async with consumer:
        for number in range(8):
            consumer.send(number)
        await asyncio.sleep(5.5)
        seen, status = scrape(consumer), await consumer.status()
        for name, metric in PLAIN.items():
            assert seen.value(metric, worker="q") == status["messages"][name]
        for name, metric in HANDLING.items():
            assert seen.value(metric, worker="q") == pytest.approx(float(status["handling"][name]))
        outcomes = seen.of("fluid_messages_settled_total", "outcome")
        assert outcomes == {name: status["messages"][name] for name in outcomes}
        assert set(outcomes) == status["messages"].keys() - PLAIN.keys()
        assert set(HANDLING) == status["handling"].keys()
        assert status["messages"]["dead"] == status["handling"]["retried"] == 1
        consumer.pause()
        assert scrape(consumer).value("fluid_consumer_paused", worker="q") == 1
        consumer.resume()


async def test_a_batch_consumer_says_as_much_as_one_that_handles_single_messages():
    async with BatchConsumer(ignore, name="rows") as rows:
        rows.send(1)
        assert scrape(rows).value("fluid_messages_queued", worker="rows") == 1
        assert scrape(rows).value("fluid_messages_waited_seconds_total", worker="rows") == 0


async def test_a_consumer_without_a_handler_has_no_times():
    class Reader(QueueConsumer[int]):
        async def run(self) -> None:
            while self.is_running():
                await self.get_message(60)

    async with Reader(name="reader") as reader:
        seen = scrape(reader)
        assert seen.value("fluid_messages_accepted_total", worker="reader") == 0
        assert not seen.of("fluid_messages_waited_seconds_total")


async def test_a_periodic_worker_says_the_same_as_in_its_status():
    async def sweep() -> None:
        await asyncio.sleep(15)
        raise OSError("full")

    async with PeriodicWorker(sweep, every(10), name="sweep", errors="continue") as sweeper:
        await asyncio.sleep(43)
        seen, timer = scrape(sweeper), (await sweeper.status())["timer"]
        for name, metric in TIMER.items():
            assert seen.value(metric, worker="sweep") == timer[name]
        assert timer["fires"] == 3
        last = seen.value("fluid_timer_last_fire_timestamp_seconds", worker="sweep")
        following = seen.value("fluid_timer_next_fire_timestamp_seconds", worker="sweep")
        assert (last, following) == pytest.approx((START + 40, START + 50))
        late = seen.value("fluid_timer_late_seconds_total", worker="sweep")
        assert late / timer["fires"] == pytest.approx(timer["lateness"]["mean"])
        worst = seen.value("fluid_timer_worst_lateness_seconds", worker="sweep")
        assert worst == timer["lateness"]["worst"]
    assert not scrape(sweeper).of("fluid_timer_next_fire_timestamp_seconds")


async def test_a_worker_has_one_line_for_its_state_and_says_when_it_was_started():
    worker = worker_with(name="db")
    assert scrape(worker).samples["fluid_worker_state", ("state", "init"), ("worker", "db")] == 1
    assert not scrape(worker).of("fluid_worker_start_time_seconds")
    await asyncio.sleep(5)
    async with worker:
        seen = scrape(worker)
        assert seen.of("fluid_worker_state", "state") == {"running": 1}
        assert seen.value("fluid_worker_start_time_seconds", worker="db") == START + 5
        assert seen.value("fluid_worker_ready", worker="db") == 1
        worker.gracefully_stop()
        assert scrape(worker).of("fluid_worker_state", "state") == {"stopping": 1}
        assert scrape(worker).value("fluid_worker_ready", worker="db") == 0


async def test_a_tree_says_how_many_workers_are_in_each_state_and_whether_it_is_ready():
    tree = Workers(poll(), poll(), name="app")
    async with tree:
        seen = scrape(tree)
        states = seen.of("fluid_workers", "state")
        assert states == {**dict.fromkeys(states, 0), "running": 3}
        assert len(states) == 6
        assert (seen.value("fluid_ready"), seen.value("fluid_live")) == (1, 1)
        assert seen.value("fluid_workers_left_out") == 0
        tree.gracefully_stop()
        assert scrape(tree).value("fluid_ready") == 0


async def test_a_tree_that_is_not_there_yet_has_nothing_but_its_state():
    seen = scrape(Health(name="app"))
    assert (seen.value("fluid_ready"), seen.value("fluid_live")) == (0, 1)
    assert not seen.workers()


async def test_blocks_of_the_event_loop_are_counted_where_somebody_looks_for_them():
    health = Health(poll())
    assert "fluid_event_loop_blocks_total" not in str(scrape(health).samples)
    health.stalls = Stalls()
    health.stalls.add(2.0)
    health.stalls.add(3.0)
    seen = scrape(health)
    assert seen.value("fluid_event_loop_blocks_total") == 2
    assert seen.value("fluid_event_loop_blocked_seconds_total") == 5
    assert seen.value("fluid_event_loop_longest_block_seconds") == 3


async def test_a_supervised_worker_says_how_often_it_was_restarted_and_when_it_will_be():
    async def crash(worker: Worker) -> None:
        while await worker.sleep(10):
            raise OSError("gone")

    spec = ChildSpec(worker_with(name="db", run=crash), backoff=Backoff(5, maximum=5, jitter=0))
    async with Supervisor(spec, name="app", period=600) as app:
        await asyncio.sleep(12)
        seen = scrape(app)
        assert seen.of("fluid_worker_restart_in_seconds") == {"app/db": pytest.approx(3)}
        assert seen.of("fluid_worker_restarts_total") == {"app/db": 0}
        await asyncio.sleep(5)
        seen = scrape(app)
        assert not seen.of("fluid_worker_restart_in_seconds")
        assert seen.of("fluid_worker_restarts_total") == {"app/db": 1}
        assert seen.of("fluid_supervisor_restarts_total") == {"app": 1}
        assert seen.of("fluid_supervisor_children") == {"app": 1}


async def test_a_shared_mailbox_is_counted_once_for_the_first_of_those_who_share_it():
    box = Mailbox[int]()
    tree = Workers(*(QueueConsumerWorker(ignore, name=n, mailbox=box) for n in "ab"), name="app")
    box.send(1)
    assert scrape(tree).of("fluid_messages_accepted_total") == {"app/a": 1}
