"""A stop without a drain, by a pause: what is in hand is finished, and the rest goes back."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ConsumerClosed, QueueConsumer, WorkerState
from tests.scenarios.drain_cast import Diary, account_of, at_once, consumer_of, each_kind
from tests.worker.fakes import now
from tests.worker.queue_cast import taking

A_LONG_TIME = 10**5


@each_kind
async def test_a_stop_while_it_is_paused_hands_back_what_waits_and_waits_for_what_is_in_hand(
    kind: str,
) -> None:
    """U10"""
    diary = Diary(taking(1))
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    for number in range(10):
        consumer.send(number)
    await asyncio.sleep(0.5)
    consumer.pause()
    await consumer.shutdown()
    done = at_once(kind)
    assert sorted(diary.handled) == list(range(done))
    assert sorted(diary.left) == list(range(done, 10))
    assert account_of(consumer) == {"accepted": 10, "handled": done, "returned": 10 - done}
    assert consumer.worker_state is WorkerState.STOPPED
    assert now() == 1


@each_kind
async def test_a_stop_while_it_is_paused_and_has_nothing_in_hand_is_over_at_once(
    kind: str,
) -> None:
    """U10"""
    diary = Diary()
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    consumer.pause()
    for number in range(10):
        consumer.send(number)
    await asyncio.sleep(1)
    await consumer.shutdown()
    assert now() == 1
    assert (diary.began, diary.left) == ([], list(range(10)))


@each_kind
async def test_a_pause_ends_a_drain_that_has_begun(kind: str) -> None:
    """U10"""
    diary = Diary(taking(1))
    consumer = consumer_of(kind, diary, stopping_grace_period=100)
    await consumer.startup()
    for number in range(20):
        consumer.send(number)
    await asyncio.sleep(0.5)
    consumer.gracefully_stop()
    await asyncio.sleep(1)
    consumer.pause()
    await consumer.wait_for_shutdown()
    done = 2 * at_once(kind)
    assert sorted(diary.handled) == list(range(done))
    assert sorted(diary.left) == list(range(done, 20))
    assert now() == 2


@pytest.mark.parametrize("kind", ["plain", "pool", "keyed"])
async def test_requests_wait_while_it_is_paused_and_are_refused_by_a_stop(kind: str) -> None:
    """Q11, Q14"""
    consumer = consumer_of(kind, Diary())
    await consumer.startup()
    consumer.pause()
    answered, refused = (asyncio.ensure_future(consumer.request(n)) for n in (1, 2))
    await asyncio.sleep(1)
    consumer.resume()
    assert await answered == 1
    assert await refused == 2
    consumer.pause()
    refused = asyncio.ensure_future(consumer.request(3))
    await asyncio.sleep(1)
    await consumer.shutdown()
    with pytest.raises(ConsumerClosed):
        await refused
    assert now() == 2


async def test_a_run_of_ones_own_gets_nothing_while_paused_and_all_of_it_when_it_has_to_stop() -> (
    None
):
    """U10"""
    taken: list[tuple[int, float]] = []

    class Taking(QueueConsumer[int]):
        async def run(self) -> None:
            while self.is_running() or self.queue_size():
                message = await self.get_message(1000)
                if message is not None:
                    taken.append((message, now()))

    async with Taking() as consumer:
        consumer.pause()
        for number in range(3):
            consumer.send(number)
        await asyncio.sleep(5)
    assert taken == [(0, 5), (1, 5), (2, 5)]
