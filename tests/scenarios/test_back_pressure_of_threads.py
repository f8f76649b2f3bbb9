"""Threads that send faster than the consumer can handle: they are held back, and lose nothing."""

from __future__ import annotations

import asyncio
import sys
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from fluid import QueueConsumerWorker
from tests.scenarios.drain_cast import Diary, account_of, at_once, consumer_of
from tests.worker.queue_cast import taking


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Has threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["plain", "pool", "batch"])
@pytest.mark.usefixtures("busy_threads")
def test_a_thread_that_sends_as_fast_as_it_can_goes_at_the_pace_of_the_consumer(kind: str) -> None:
    """B08: and the memory is flat, whatever the number of messages."""
    limit, messages, weight = 20, 1_500, 10_000
    sent = handled = 0
    ahead: list[int] = []
    memory: list[int] = []

    def produce() -> None:
        nonlocal sent
        for number in range(messages):
            consumer.put_threadsafe(bytearray(weight) + number.to_bytes(4))
            sent += 1

    async def work(_message: bytearray) -> None:
        nonlocal handled
        ahead.append(consumer.queue_size())
        memory.append(tracemalloc.get_traced_memory()[0])
        handled += 1
        assert sent - handled <= limit + at_once(kind)
        if handled % 100 == 0:
            await asyncio.sleep(0)
        diary.began.clear()
        diary.handled.clear()

    async def main() -> None:
        async with consumer:
            await asyncio.to_thread(produce)

    diary = Diary(work)
    consumer = consumer_of(kind, diary, maxsize=limit)
    tracemalloc.start()
    try:
        asyncio.run(main())
    finally:
        tracemalloc.stop()
    assert account_of(consumer) == {"accepted": messages, "handled": messages}
    assert max(ahead) <= limit
    in_flight = (limit + 3 * at_once(kind)) * weight
    assert max(memory) - memory[0] < in_flight + 500_000 < messages * weight / 10


@pytest.mark.real
@pytest.mark.parametrize("kind", ["pool", "unordered"])
@pytest.mark.usefixtures("busy_threads")
def test_sixteen_threads_are_held_back_and_none_of_their_messages_is_lost_or_doubled(
    kind: str,
) -> None:
    """B08"""
    sizes: list[int] = []

    def produce(thread: int) -> None:
        for number in range(60):
            consumer.put_threadsafe((thread, number))

    async def work(_message: object) -> None:
        sizes.append(consumer.queue_size())

    async def main() -> None:
        threads = [threading.Thread(target=produce, args=(number,)) for number in range(16)]
        async with consumer:
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    diary = Diary(work)
    consumer = consumer_of(kind, diary, maxsize=5)
    asyncio.run(main())
    assert max(sizes) <= 5
    assert sorted(diary.handled) == [(t, number) for t in range(16) for number in range(60)]
    for thread in range(16):
        mine = [number for who, number in diary.began if who == thread]
        assert mine == list(range(60))


def test_a_producer_that_nobody_serves_is_told_when_its_time_is_over() -> None:
    """B01"""
    consumer = QueueConsumerWorker(taking(1), maxsize=1)
    consumer.put_threadsafe(1)
    with pytest.raises(TimeoutError):
        consumer.put_threadsafe(2, timeout=0)
    assert account_of(consumer) == {"accepted": 1, "queued": 1}
