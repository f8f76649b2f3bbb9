"""A full mailbox holds its producers back, whatever kind the consumer is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

import pytest

from fluid import Backoff, Mailbox, MailboxFull, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, stop_at_last
from tests.scenarios.drain_cast import Diary, account_of, at_once, consumer_of, each_kind
from tests.worker.fakes import now
from tests.worker.queue_cast import taking


@each_kind
async def test_a_producer_that_puts_gets_no_further_ahead_than_the_limit(kind: str) -> None:
    """B01"""
    diary = Diary(taking(1))
    sizes: list[int] = []
    async with consumer_of(kind, diary, maxsize=4) as consumer:
        for number in range(20):
            await consumer.put(number)
            sizes.append(consumer.queue_size())
            assert number + 1 - len(diary.handled) <= 4 + at_once(kind)
        while consumer.queue_size() < 4:
            consumer.send(-1)
        with pytest.raises(MailboxFull):
            consumer.send(-1)
    assert max(sizes) == 4
    assert sorted(n for n in diary.handled if n >= 0) == list(range(20))
    seconds = -(-len(diary.handled) // at_once(kind))
    assert seconds <= now() <= seconds + 1


@each_kind
async def test_a_put_that_is_given_up_is_not_inside(kind: str) -> None:
    """B01, B03"""
    diary = Diary(taking(10))
    async with consumer_of(kind, diary, maxsize=4, stopping_grace_period=100) as consumer:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                for number in count():
                    await consumer.put(number)
        accepted = number
        assert now() == 1
    assert sorted(diary.handled) == list(range(accepted))
    assert account_of(consumer) == {"accepted": accepted, "handled": accepted}


@each_kind
async def test_a_thousand_producers_get_the_one_place_in_the_order_in_which_they_came(
    kind: str,
) -> None:
    """B02"""
    diary = Diary()
    options = {"size": 1} if kind == "batch" else {}
    async with consumer_of(kind, diary, maxsize=1, **options) as consumer:
        puts = [asyncio.ensure_future(consumer.put(number)) for number in range(1000)]
        await asyncio.gather(*puts)
    assert diary.handled == list(range(1000))


@pytest.mark.parametrize("kind", ["plain", "unordered", "pool", "batch"])
@explored(faults="offered", swept=True, seeds=10)
async def test_whatever_strikes_no_wake_up_of_a_producer_is_lost(
    sim: Simulation, kind: str
) -> None:
    """B02, B03: nobody else makes room when a quick consumer has nothing left to take."""
    diary = Diary()
    mailbox: Mailbox[int] = Mailbox(maxsize=1)
    options = {"size": 1} if kind == "batch" else {}
    consumer = consumer_of(kind, diary, mailbox=mailbox, stopping_grace_period=1, **options)
    await consumer.startup()
    puts = [asyncio.ensure_future(mailbox.put(number)) for number in range(4)]
    for number in (1, 2):
        sim.offer(f"cancel {number}", puts[number].cancel)
    await asyncio.wait(puts, timeout=10)
    assert all(put.done() for put in puts), puts
    await stop_at_last(consumer)
    accepted = [number for number, put in enumerate(puts) if not put.cancelled()]
    assert sorted(diary.handled) == accepted
    assert account_of(mailbox)["accepted"] == len(accepted)
    sim.sometimes("one was cancelled", len(accepted) < 4)


@each_kind
async def test_without_a_maxsize_there_is_no_limit(kind: str) -> None:
    """B04"""
    diary = Diary()
    consumer = consumer_of(kind, diary)
    assert consumer.worker_mailbox.maxsize == 0
    for number in range(2_000):
        consumer.send(number)
    async with consumer:
        await consumer.put(2_000)
    assert len(diary.handled) == 2_001


@pytest.mark.parametrize("kind", ["unordered", "keyed", "pool"])
async def test_what_waits_for_its_key_or_for_another_attempt_takes_its_room(kind: str) -> None:
    """B01"""
    fails = True

    async def work(_number: int) -> None:
        if fails:
            raise Planned

    diary = Diary(work)
    backoff = Backoff(initial=10, factor=1, jitter=0)
    retry = Retry(on=Planned, backoff=backoff, keeps_order=kind == "keyed")
    async with consumer_of(kind, diary, maxsize=4, retry=retry) as consumer:
        for number in range(4):
            await consumer.put(number)
            await asyncio.sleep(0.1)
        assert consumer.queue_size() == 4
        with pytest.raises(MailboxFull):
            consumer.send(4)
        put = asyncio.ensure_future(consumer.put(4))
        await asyncio.sleep(5)
        assert not put.done()
        fails = False
        await put
        assert now() >= 10
    assert sorted(diary.handled) == list(range(5))


@pytest.mark.parametrize("verb", ["send", "put"])
async def test_while_it_drains_a_follow_up_by_send_keeps_the_limit_and_one_by_put_does_not(
    verb: str,
) -> None:
    """U06, B01"""
    full: list[int] = []

    async def follow(number: int) -> None:
        await asyncio.sleep(1)
        if number < 3:
            try:
                result = getattr(consumer, verb)(number + 10)
                if result is not None:
                    await result
            except MailboxFull:
                full.append(number)

    diary = Diary(follow)
    consumer = consumer_of("plain", diary, maxsize=3)
    await consumer.startup()
    await consumer.put(0)
    await asyncio.sleep(0.5)
    for number in (1, 2, 3):
        consumer.send(number)
    await consumer.shutdown()
    assert full == ([0] if verb == "send" else [])
    assert len(diary.handled) == 7 - len(full)
