"""The queue of a consumer of any kind: who gets which message, and how many there may be."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import Any

import pytest

from fluid import Backoff, ChildSpec, Mailbox, QueueConsumerWorker, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, faults_of, stop_at_last
from tests.scenarios.drain_cast import KINDS, Diary, account_of, consumer_of
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import hang, taking

without_keys = pytest.mark.parametrize("kind", [kind for kind in KINDS if "key" not in KINDS[kind]])


# --- who gets it ---------------------------------------------------------------------------------


@explored(seeds=20)
async def test_as_many_messages_as_idle_loops_are_begun_by_one_each_at_once(
    sim: Simulation,
) -> None:
    """Q12"""
    diary = Diary(taking(1))
    mailbox: Mailbox[int] = Mailbox()
    pool = consumer_of("pool", diary, concurrency=5, mailbox=mailbox)
    single = consumer_of("plain", diary, name="single", mailbox=mailbox)
    async with pool, single:
        await asyncio.sleep(1)
        began = now()
        for number in range(6):
            mailbox.send(number)
        await asyncio.sleep(0.5)
        assert sorted(diary.began) == list(range(6))
        await mailbox.join()
        assert now() < began + 1.2
    assert sorted(diary.handled) == list(range(6))


@explored(faults="offered", seeds=20)
async def test_no_wake_up_is_lost_with_a_loop_that_was_cancelled_when_it_came(
    sim: Simulation,
) -> None:
    """Q12, Q15"""
    diary = Diary(taking(0.01))
    mailbox: Mailbox[int] = Mailbox()
    dying = consumer_of("pool", diary, name="dying", mailbox=mailbox)
    living = consumer_of("plain", diary, name="living", mailbox=mailbox)
    faults_of(sim, dying)
    await end_of(dying.startup())
    await living.startup()
    for number in range(8):
        mailbox.send(number)
        if number == 3:
            await asyncio.sleep(0.025)
    await asyncio.sleep(1)
    assert sorted(diary.handled) == list(range(8))
    await stop_at_last(dying)
    await living.shutdown()
    assert account_of(mailbox) == {"accepted": 8, "handled": 8}


@without_keys
async def test_when_one_of_two_consumers_dies_the_other_goes_on_with_what_it_had_in_hand(
    kind: str,
) -> None:
    """Q15"""
    mailbox: Mailbox[int] = Mailbox()
    dying, living = Diary(hang), Diary()
    first = consumer_of(kind, dying, name="dying", mailbox=mailbox)
    second = consumer_of(kind, living, name="living", mailbox=mailbox)
    await first.startup()
    for number in range(10):
        mailbox.send(number)
    await asyncio.sleep(1)
    await second.startup()
    await asyncio.sleep(1)
    had = sorted(dying.began)
    assert sorted([*had, *living.handled]) == list(range(10))
    first._worker.life.task.cancel()
    await end_of(first.wait_for_shutdown())
    await mailbox.join()
    assert sorted(living.handled) == list(range(10))
    assert dying.left == []
    await second.shutdown()
    assert account_of(mailbox) == {"accepted": 10, "handled": 10}


@pytest.mark.parametrize("kind", ["plain", "unordered", "pool", "keyed", "pool of keys"])
async def test_the_queue_outlives_a_crash_and_what_was_in_hand_comes_before_it(kind: str) -> None:
    """Q13"""

    in_hand: list[int] = []

    async def fail_at_five(number: int) -> None:
        await asyncio.sleep(1 if number == 5 else 2)
        if number == 5:
            in_hand.extend(n for n in diary.began if n not in diary.handled and n != 5)
            diary.began.clear()
            raise OSError

    diary = Diary(fail_at_five)
    consumer = consumer_of(kind, diary)
    child = ChildSpec(consumer, restart="transient")
    async with supervisor_of(child, backoff=Backoff(initial=1, jitter=0), max_restarts=5):
        for number in range(12):
            consumer.send(number)
        await asyncio.sleep(1)
        for number in range(12, 15):
            await consumer.put(number)
        await consumer.join()
        assert account_of(consumer) == {"accepted": 15, "handled": 14, "dead": 1}
    assert sorted(diary.handled) == [number for number in range(15) if number != 5]
    assert len(in_hand) == (3 if kind.startswith("pool") else 0)
    came_first = diary.began[: len(in_hand)]
    if kind == "pool":  # without keys there is no order among those in hand
        came_first.sort()
    assert came_first == sorted(in_hand)


ON_PLANNED = Retry(on=Planned, attempts=2, backoff=Backoff(initial=0))

# --- how many there may be -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pool", "keyed", "unordered", "batch", "dispatcher"])
async def test_what_has_been_handled_leaves_nothing_in_memory(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Q16"""
    caplog.set_level(logging.CRITICAL, "fluid")  # pytest keeps what is logged
    diary = Diary()
    options: dict[str, Any] = {"key": lambda number: number} if kind == "keyed" else {}

    async def work(number: int) -> None:
        if number % 7 == 3:
            raise Planned
        diary.began.clear()
        diary.handled.clear()

    async def bury(_message: int, _error: BaseException, _attempts: int) -> None:
        diary.events.clear()

    async def blocks_after(messages: range) -> int:
        for number in messages:
            await consumer.put(number)
        await consumer.join()
        gc.collect()
        return sys.getallocatedblocks()

    diary.work = work
    if kind != "dispatcher":
        options["retry"] = ON_PLANNED
    async with consumer_of(kind, diary, on_dead_letter=bury, maxsize=50, **options) as consumer:
        before = await blocks_after(range(1_000))
        after = await blocks_after(range(1_000, 4_000))
    assert after - before < 300


@pytest.mark.real
def test_a_million_messages_leave_the_memory_as_it_was() -> None:
    """Q16"""
    handled = 0

    async def handle(_number: int) -> None:
        nonlocal handled
        handled += 1

    async def blocks_after(batches: int) -> int:
        for _ in range(batches):
            for number in range(10_000):
                consumer.send(number)
            await consumer.join()
        return sys.getallocatedblocks()

    async def main() -> None:
        async with consumer:
            before = await blocks_after(2)
            after = await blocks_after(98)
        assert after - before < 500

    consumer = QueueConsumerWorker(handle)
    asyncio.run(main())
    assert handled == 1_000_000
