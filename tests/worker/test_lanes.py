"""Keys, seen closely: turns, room, waits until all is settled, and memory."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from fluid import Backoff, Mailbox, QueueConsumerWorker, Retry
from fluid.worker.consumers.lanes import AHEAD, Lane
from tests.worker.fakes import now
from tests.worker.queue_cast import Recorder, account, hang, taking


def first(message: object) -> object:
    """Returns the first part of a message, its key."""
    return message[0]  # type: ignore[index]


# --- turns ---------------------------------------------------------------------------------------


async def test_a_newcomer_waits_for_one_more_message_of_a_hot_key_at_the_most() -> None:
    consumer = Recorder(taking(1), key=first, concurrency=1)
    async with consumer:
        for number in range(10):
            consumer.send(("hot", number))
        await asyncio.sleep(0.5)
        consumer.send(("new", 0))
        await asyncio.sleep(3)
        assert consumer.handled == [("hot", 0), ("hot", 1), ("new", 0)]
        consumer.pause()


async def test_a_newcomer_behind_a_thousand_messages_of_a_hot_key_waits_for_a_few_dozen() -> None:
    """In one place at a time, sixteen are sorted for each one that is handled."""
    consumer = Recorder(key=first, concurrency=1)
    for number in range(1000):
        consumer.send(("hot", number))
    consumer.send(("new", 0))
    async with consumer:
        await consumer.join()
    assert consumer.handled.index(("new", 0)) == 1000 // AHEAD + 1


async def test_where_a_place_is_free_a_newcomer_waits_for_none_of_them() -> None:
    consumer = Recorder(taking(1), key=first, concurrency=2)
    for number in range(1000):
        consumer.send(("hot", number))
    consumer.send(("new", 0))
    async with consumer:
        await asyncio.sleep(1.5)
        assert consumer.handled == [("hot", 0), ("new", 0)]
        consumer.pause()


async def test_keys_take_turns() -> None:
    consumer = Recorder(key=first, concurrency=1)
    for key in "abc":
        for number in range(3):
            consumer.send((key, number))
    async with consumer:
        await consumer.join()
    assert consumer.handled == [(key, number) for number in range(3) for key in "abc"]


async def test_sorting_ten_thousand_messages_of_a_busy_key_gives_way() -> None:
    asked = 0

    def key(_message: object) -> int:
        nonlocal asked
        asked += 1
        return 1

    consumer = Recorder(hang, key=key, concurrency=2, stopping_grace_period=0)
    async with consumer:
        for number in range(10_000):
            consumer.send(number)
        while asked < 10_000:
            before = asked
            await asyncio.sleep(0)
            assert asked - before <= 600
    account(consumer, accepted=10_000, dropped=10_000)


# --- room and joins ------------------------------------------------------------------------------


async def test_what_waits_behind_its_key_takes_room_in_the_mailbox() -> None:
    """B01"""
    consumer = Recorder(taking(1), key=first, concurrency=3, maxsize=3)
    async with consumer:
        putters = [asyncio.ensure_future(consumer.put(("a", number))) for number in range(6)]
        await asyncio.sleep(0.5)
        account(consumer, accepted=4, queued=3, in_hand=1)
        assert [putter.done() for putter in putters] == [True] * 4 + [False] * 2
        await asyncio.sleep(1)
        account(consumer, accepted=5, handled=1, queued=3, in_hand=1)
        await consumer.join()
    assert consumer.handled == [("a", number) for number in range(6)]


async def test_join_waits_for_a_message_that_others_have_overtaken() -> None:
    async def handle(message: object) -> None:
        await asyncio.sleep(message[1])  # type: ignore[index]

    consumer = Recorder(handle, key=first, concurrency=3)
    async with consumer:
        consumer.send(("a", 5))
        consumer.send(("a", 1))
        joined = asyncio.ensure_future(consumer.join())
        for number in range(20):
            consumer.send((number, 0.1))
        await asyncio.sleep(5.5)
        account(consumer, accepted=22, handled=21, in_hand=1)
        assert not joined.done()
        await joined
        assert now() == 6


async def test_join_waits_for_both_of_two_consumers_of_which_one_keeps_messages_aside() -> None:
    mailbox: Mailbox[object] = Mailbox()

    async def handle(message: object) -> None:
        await asyncio.sleep(message)  # type: ignore[arg-type]

    retrying = Recorder(handle, mailbox=mailbox, concurrency=2, retry=Retry(OSError))
    plain = Recorder(handle, mailbox=mailbox)
    async with plain:
        mailbox.send(5)
        await asyncio.sleep(0.1)
        async with retrying:
            mailbox.send(1)
            await asyncio.sleep(0.1)
            await mailbox.join()
            assert now() == 5
    account(mailbox, accepted=2, handled=2)


# --- memory --------------------------------------------------------------------------------------


def lanes_in_memory() -> int:
    """Returns how many lanes there are."""
    gc.collect()
    return sum(type(each) is Lane for each in gc.get_objects())


@pytest.mark.parametrize("keeps_order", [True, False])
async def test_keys_that_have_no_message_any_more_take_no_memory(*, keeps_order: bool) -> None:
    """Ten thousand messages, half of which fail once, over ten thousand keys."""
    failed = set()

    async def handle(message: object) -> None:
        if message % 2 and message not in failed:  # type: ignore[operator]
            failed.add(message)
            raise OSError

    retry = Retry(OSError, backoff=Backoff(1, jitter=0), keeps_order=keeps_order)
    consumer = QueueConsumerWorker(handle, key=lambda message: message, concurrency=8, retry=retry)
    async with consumer:
        for number in range(10_000):
            consumer.send(number)
        await consumer.join()
        await asyncio.sleep(1)
        assert len(failed) == 5_000
        assert not consumer.worker_mailbox.parcels
        assert not consumer.worker_mailbox.aside
        assert lanes_in_memory() == 0
    account(consumer, accepted=10_000, handled=10_000)


async def test_a_keyed_message_that_was_handled_is_not_kept_alive() -> None:
    class Message:
        pass

    consumer = QueueConsumerWorker(taking(0), key=type, concurrency=2)
    async with consumer:
        for _ in range(3):
            consumer.send(message := Message())
        await asyncio.sleep(1)
        reference = weakref.ref(message)
        del message
        gc.collect()
        assert reference() is None
