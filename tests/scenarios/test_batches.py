"""Batches: full ones at once, others when their first message has waited long enough."""

from __future__ import annotations

import asyncio
import gc
import weakref

from fluid import BatchConsumer
from tests.scenarios.handling_cast import Batcher, Ledger, batches_of, send_all
from tests.worker.fakes import now


async def test_a_full_batch_begins_at_once_and_the_rest_when_it_is_old_enough() -> None:
    """Q09"""
    ledger = Ledger(takes=0)
    async with Batcher(ledger, size=2, age=5) as consumer:
        send_all(consumer, "abcde")
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(0, "ab"), (0, "cd"), (5, "e")]


async def test_the_age_counts_from_the_first_message_of_a_batch() -> None:
    """Q09"""
    ledger = Ledger(takes=0)
    async with Batcher(ledger, size=10, age=5) as consumer:
        for letter in "abcd":
            await asyncio.sleep(2)
            consumer.send(letter)
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(7, "abc"), (13, "d")]


async def test_a_message_that_fills_the_batch_ends_the_wait() -> None:
    """Q09"""
    ledger = Ledger(takes=0)
    async with Batcher(ledger, size=3, age=5) as consumer:
        for letter in "abcd":
            consumer.send(letter)
            await asyncio.sleep(1)
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(2, "abc"), (8, "d")]


async def test_a_message_does_not_wait_longer_because_a_full_batch_went_before_it() -> None:
    ledger = Ledger(takes=0.3)
    async with Batcher(ledger, size=2, age=1) as consumer:
        send_all(consumer, "abcde")
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(0, "ab"), (0.3, "cd"), (1, "e")]


async def test_what_came_while_a_batch_was_handled_waits_no_longer_than_the_age() -> None:
    ledger = Ledger(takes=3)
    async with Batcher(ledger, size=2, age=2) as consumer:
        send_all(consumer, "ab")
        await asyncio.sleep(0.5)
        consumer.send("c")
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(0, "ab"), (3, "c")]


async def test_an_age_of_zero_takes_what_is_there() -> None:
    ledger = Ledger(takes=1)
    async with Batcher(ledger, size=10, age=0) as consumer:
        send_all(consumer, "a")
        await asyncio.sleep(0.5)
        send_all(consumer, "bcd")
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(0, "a"), (1, "bcd")]


async def test_until_then_the_messages_stay_in_the_mailbox() -> None:
    async with Batcher(Ledger(), size=10, age=5) as consumer:
        send_all(consumer, "abc")
        await asyncio.sleep(4)
        found = consumer.worker_mailbox.account()
        assert (found.queued, found.in_hand) == (3, 0)


async def test_a_stop_flushes_a_batch_that_was_waiting() -> None:
    """Q09"""
    ledger = Ledger(takes=1)
    async with Batcher(ledger, size=3, age=100) as consumer:
        send_all(consumer, "abcd")
        await asyncio.sleep(5)
    assert batches_of(ledger) == [(0, "abc"), (5, "d")]
    assert now() == 6


async def test_a_pause_lets_no_batch_begin_and_what_has_waited_goes_with_its_end() -> None:
    ledger = Ledger(takes=0)
    async with Batcher(ledger, size=3, age=2) as consumer:
        consumer.pause()
        await asyncio.sleep(1)
        send_all(consumer, "abcd")
        await asyncio.sleep(9)
        consumer.resume()
        await asyncio.sleep(60)
    assert batches_of(ledger) == [(10, "abc"), (10, "d")]


async def test_room_is_given_when_a_batch_is_taken() -> None:
    ledger = Ledger(takes=1)
    async with Batcher(ledger, size=2, age=1, maxsize=2) as consumer:
        send_all(consumer, "ab")
        await consumer.put("c")
        assert now() == 0
        await consumer.put("d")
        await consumer.put("e")
        assert now() == 1
        await consumer.join()
    assert batches_of(ledger) == [(0, "ab"), (1, "cd"), (2, "e")]


async def test_batches_that_take_no_time_leave_the_loop_to_others() -> None:
    async def handle(batch: list[str]) -> None:
        sizes.append(len(batch))

    sizes: list[int] = []
    steps = []
    async with BatchConsumer(handle, size=64) as consumer:
        send_all(consumer, ["a"] * 1024)
        while sum(sizes) < 1024:
            await asyncio.sleep(0)
            steps.append(sum(sizes))
    assert sizes == [64] * 16
    assert steps == [256, 512, 768, 1024]


async def test_a_handled_batch_is_not_kept_alive_and_belongs_to_its_handler() -> None:
    class Message:
        pass

    async def handle(batch: list[Message]) -> None:
        batch.clear()

    async with BatchConsumer(handle, size=1) as consumer:
        consumer.send(message := Message())
        await consumer.join()
        await asyncio.sleep(1)
        reference = weakref.ref(message)
        del message
        gc.collect()
        assert reference() is None
        assert consumer.worker_mailbox.account().handled == 1
