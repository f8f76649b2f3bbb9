"""``join()``: waiting until everything accepted so far is settled, whatever became of it."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Mailbox
from tests.worker.fakes import now
from tests.worker.queue_cast import Keeper, Recorder, Taker, account, hang, taking


@pytest.mark.parametrize("kind", [Recorder, Taker])
@pytest.mark.parametrize("count", [0, 1, 5, 600])
async def test_join_returns_when_everything_accepted_is_handled(kind, count: int) -> None:
    consumer = kind(taking(1))
    async with consumer:
        for number in range(count):
            consumer.send(number)
        await consumer.join()
        assert consumer.handled == list(range(count))
        assert now() == pytest.approx(count)


async def test_join_waits_for_the_message_in_hand() -> None:
    consumer = Recorder(taking(5))
    async with consumer:
        consumer.send(1)
        await asyncio.sleep(1)
        assert consumer.queue_size() == 0
        await consumer.join()
        assert now() == 5


async def test_join_does_not_wait_for_what_comes_later() -> None:
    consumer = Recorder(taking(1))
    async with consumer:
        consumer.send(0)
        joining = asyncio.ensure_future(consumer.join())
        await asyncio.sleep(0.5)
        for number in range(1, 5):
            consumer.send(number)
        await joining
        assert now() == 1


async def test_join_before_the_start_waits_for_the_consumer() -> None:
    consumer = Recorder()
    consumer.send(1)
    joining = asyncio.ensure_future(consumer.join())
    await asyncio.sleep(1)
    assert not joining.done()
    async with consumer:
        await joining
    assert consumer.handled == [1]


async def test_join_outlives_a_crash_and_counts_a_dead_message_as_settled() -> None:
    async def fail(_message) -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    mailbox: Mailbox[object] = Mailbox()
    first = Recorder(fail, mailbox=mailbox)
    await first.startup()
    mailbox.send(0)
    mailbox.send(1)
    joining = asyncio.ensure_future(mailbox.join())
    with pytest.raises(ValueError, match="no"):
        await first.wait_for_shutdown()
    await asyncio.sleep(1)
    assert not joining.done()
    async with Recorder(mailbox=mailbox):
        await joining
    account(mailbox, accepted=2, handled=1, dead=1)


@pytest.mark.parametrize("kind", [Keeper, Recorder])
async def test_join_returns_when_what_is_left_was_returned_or_dropped(kind) -> None:
    consumer = kind(hang, stopping_grace_period=1)
    await consumer.startup()
    for number in range(3):
        consumer.send(number)
    joining = asyncio.ensure_future(consumer.join())
    await consumer.shutdown()
    await joining
    assert now() == 1


async def test_a_cancelled_joiner_harms_neither_the_others_nor_the_consumer() -> None:
    consumer = Recorder(taking(1))
    async with consumer:
        consumer.send(1)
        joiners = [asyncio.ensure_future(consumer.join()) for _ in range(3)]
        await asyncio.sleep(0.5)
        joiners[1].cancel()
        await asyncio.wait(joiners)
    assert [joiner.cancelled() for joiner in joiners] == [False, True, False]


async def test_join_is_not_fooled_by_a_second_consumer_that_is_quicker() -> None:
    mailbox: Mailbox[object] = Mailbox()

    async def handle(message) -> None:
        await asyncio.sleep(message)

    async with Recorder(handle, mailbox=mailbox), Recorder(handle, mailbox=mailbox):
        mailbox.send(6)
        await asyncio.sleep(0)
        joining = asyncio.ensure_future(mailbox.join())
        await asyncio.sleep(0)
        for _ in range(20):
            mailbox.send(1)
        await joining
        assert now() == 6


async def test_join_waits_again_for_a_message_that_went_back_to_the_front() -> None:
    mailbox: Mailbox[object] = Mailbox()
    first = Keeper(hang, mailbox=mailbox, stopping_grace_period=0)
    second = Keeper(taking(1), mailbox=mailbox)
    await first.startup()
    await second.startup()
    mailbox.send("a")
    mailbox.send("b")
    joining = asyncio.ensure_future(mailbox.join())
    await asyncio.sleep(0.5)
    first.gracefully_stop()
    await joining
    assert second.handled == ["b", "a"]
    await second.shutdown()


async def test_a_joiner_costs_the_consumer_nothing_until_its_last_message() -> None:
    looks = []

    class Counting(Mailbox[object]):
        def attend(self, settled_by=None) -> None:
            looks.append(settled_by)
            super().attend(settled_by)

    mailbox = Counting()
    async with Recorder(mailbox=mailbox):
        for number in range(1000):
            mailbox.send(number)
        await mailbox.join()
        assert len(looks) < 10
