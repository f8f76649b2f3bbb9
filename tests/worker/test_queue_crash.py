"""A consumer that crashes: what becomes of its mailbox depends on whether anybody may come back."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ConsumerClosed, QueueConsumerWorker, Workers
from fluid.events import Fate, MessagesUndelivered, WorkerEvent
from tests.worker.fakes import now, worker_with


class Crashing(QueueConsumerWorker[int]):
    """Crashes on its first message, and keeps what it could not handle."""

    def __init__(self, **options) -> None:
        super().__init__(self._crash, name="crashing", **options)
        self.left: list[int] = []

    async def _crash(self, message: int) -> None:
        raise ValueError(message)

    async def on_undelivered(self, messages) -> None:
        self.left += messages


async def test_alone_it_leaves_its_mailbox_open_for_whoever_takes_over() -> None:
    first = Crashing()
    first.send(1)
    first.send(2)
    await first.startup()
    with pytest.raises(ValueError):
        await first.wait_for_shutdown()
    first.send(3)
    taken: list[int] = []

    async def take(message: int) -> None:
        taken.append(message)

    async with QueueConsumerWorker(take, mailbox=first.worker_mailbox) as second:
        await second.join()
    assert taken == [2, 3]
    assert first.left == []


async def test_in_a_group_that_restarts_nobody_it_closes_and_hands_back() -> None:
    consumer = Crashing()
    events: list[WorkerEvent] = []
    group = Workers(consumer, name="app")
    group.subscribe(events.append)
    for message in range(3):
        consumer.send(message)
    await group.startup()
    with pytest.raises(ValueError):
        await group.wait_for_shutdown()
    assert consumer.left == [1, 2]
    assert consumer.worker_exit.account["returned"] == 2
    with pytest.raises(ConsumerClosed):
        consumer.send(3)
    assert [event.count for event in events if isinstance(event, MessagesUndelivered)] == [2]


async def test_in_such_a_group_its_crash_frees_a_producer_that_waits_for_room() -> None:
    """PEERS 23 and U04: nobody is left waiting for a dead consumer."""
    consumer = Crashing(maxsize=1)

    async def feed(worker) -> None:
        try:
            while True:
                await consumer.put(1)
        except ConsumerClosed:
            worker.diary.append("freed")

    feeder = worker_with(run=feed, name="feeder")
    group = Workers(consumer, feeder, name="app")
    await group.startup()
    with pytest.raises(ValueError):
        await group.wait_for_shutdown()
    assert "freed" in feeder.diary
    assert now() == 0


async def test_a_crash_beside_another_consumer_of_the_same_mailbox_leaves_it_to_that_one() -> None:
    crashing = Crashing()
    taken: list[int] = []

    async def take(message: int) -> None:
        await asyncio.sleep(1)
        taken.append(message)

    other = QueueConsumerWorker(take, mailbox=crashing.worker_mailbox, name="other")
    await other.startup()
    group = Workers(crashing, name="app")
    await group.startup()
    for message in range(4):
        crashing.send(message)
    with pytest.raises(ValueError):
        await group.wait_for_shutdown()
    await other.join()
    assert len(taken) == 3
    assert crashing.left == []
    await other.shutdown()


async def test_who_waits_in_its_own_mailbox_is_told_that_it_has_ended() -> None:
    consumer = Crashing(maxsize=1)
    await consumer.startup()
    await consumer.put(1)
    waits = [asyncio.ensure_future(wait) for wait in (consumer.join(), consumer.put(2))]
    with pytest.raises(ValueError):
        await consumer.wait_for_shutdown()
    await asyncio.wait(waits)
    assert consumer.queue_size() == 1
    for late in (consumer.join(), consumer.put(4)):
        with pytest.raises(ConsumerClosed, match="has ended; 1 message waits for another consumer"):
            await late


async def test_what_it_leaves_is_reported_though_it_may_still_be_taken() -> None:
    consumer = Crashing()
    events: list[WorkerEvent] = []
    consumer.subscribe(events.append)
    for message in range(3):
        consumer.send(message)
    await consumer.startup()
    with pytest.raises(ValueError):
        await consumer.wait_for_shutdown()
    (report,) = [event for event in events if isinstance(event, MessagesUndelivered)]
    assert (report.count, report.fate) == (2, Fate.WAITING)


async def test_a_stop_during_the_cleanup_after_a_crash_leaves_the_mailbox_open() -> None:
    class Slow(Crashing):
        async def on_shutdown(self) -> None:
            await asyncio.sleep(1)

    consumer = Slow()
    consumer.send(1)
    consumer.send(2)
    await consumer.startup()
    await asyncio.sleep(0.5)
    with pytest.raises(ValueError):
        await consumer.shutdown()
    assert not consumer.worker_mailbox.is_closed
    assert consumer.worker_exit.account["queued"] == 1


class BadStart(Crashing):
    """Fails before it can take anything."""

    async def on_startup(self) -> None:
        raise OSError("no")


async def test_in_a_group_a_failed_start_hands_back_what_was_sent_before() -> None:
    consumer = BadStart()
    consumer.send(1)
    with pytest.raises(OSError, match="no"):
        await Workers(consumer).startup()
    assert consumer.left == [1]


async def test_in_a_group_whose_start_failed_nobody_waits_for_those_whose_turn_never_came() -> None:
    never = Crashing(maxsize=1)
    never.send(1)
    events: list[WorkerEvent] = []
    never.subscribe(events.append)
    waits = [asyncio.ensure_future(wait) for wait in (never.put(2), never.wait_ready())]
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="no"):
        await Workers(BadStart(), never).startup()
    await asyncio.wait(waits, timeout=1)
    assert [type(wait.exception()).__name__ for wait in waits] == [
        "ConsumerClosed",
        "WorkerStartError",
    ]
    assert [event.count for event in events if isinstance(event, MessagesUndelivered)] == [1]
    with pytest.raises(ConsumerClosed):
        never.send(3)
