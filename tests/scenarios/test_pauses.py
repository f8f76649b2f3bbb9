"""A pause: messages are accepted but not taken, and what is in hand is finished."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fluid import Backoff, Mailbox, Retry
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, faults_of, stop_at_last
from tests.scenarios.drain_cast import Diary, account_of, at_once, consumer_of, each_kind
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import taking

A_LONG_TIME = 10**5


@each_kind
async def test_nothing_is_taken_while_it_is_paused_and_what_is_in_hand_is_finished(
    kind: str,
) -> None:
    """Q14"""
    diary = Diary(taking(1))
    async with consumer_of(kind, diary) as consumer:
        for number in range(10):
            consumer.send(number)
        await asyncio.sleep(0.5)
        consumer.pause()
        await asyncio.sleep(A_LONG_TIME)
        done = at_once(kind)
        assert sorted(diary.handled) == sorted(diary.began) == list(range(done))
        assert account_of(consumer) == {"accepted": 10, "handled": done, "queued": 10 - done}
        assert (await consumer.status())["handling"]["paused"]
        consumer.resume()
        await consumer.join()
        assert not (await consumer.status())["handling"]["paused"]
    assert sorted(diary.handled) == list(range(10))


@each_kind
async def test_messages_are_accepted_while_it_is_paused_and_come_in_order_afterwards(
    kind: str,
) -> None:
    """Q14"""
    diary = Diary()
    consumer = consumer_of(kind, diary)
    consumer.pause()
    consumer.send(0)
    async with consumer:
        consumer.send(1)
        await consumer.put(2)
        await asyncio.sleep(A_LONG_TIME)
        assert account_of(consumer) == {"accepted": 3, "queued": 3}
        consumer.resume()
        consumer.send(3)
        await consumer.join()
    assert diary.handled == [0, 1, 2, 3]


@each_kind
async def test_a_handler_may_pause_its_own_consumer(kind: str) -> None:
    """Q14"""

    async def pause_after_three(number: int) -> None:
        if number == 3:
            consumer.pause()

    diary = Diary(pause_after_three)
    async with consumer_of(kind, diary) as consumer:
        for number in range(20):
            consumer.send(number)
        await asyncio.sleep(1)
        assert diary.handled == [0, 1, 2, 3]
        consumer.resume()
        await consumer.join()
    assert diary.handled == list(range(20))


@each_kind
async def test_a_pause_is_the_mailboxs_and_outlives_the_consumer(kind: str) -> None:
    mailbox: Mailbox[int] = Mailbox()
    diary = Diary()
    mailbox.pause()
    async with consumer_of(kind, diary, mailbox=mailbox):
        pass
    mailbox.pause()
    async with consumer_of(kind, diary, mailbox=mailbox) as consumer:
        mailbox.send(1)
        await asyncio.sleep(A_LONG_TIME)
        assert not diary.began
        consumer.resume()
        await mailbox.join()
    assert diary.handled == [1]


@pytest.mark.parametrize("keeps_order", [True, False])
@pytest.mark.parametrize("kind", ["pool", "keyed"])
async def test_a_retry_that_falls_due_while_it_is_paused_waits_for_the_end_of_that(
    kind: str, *, keeps_order: bool
) -> None:
    """Q14: where it has a place of its own; in the hands of a loop it is still in hand."""
    times: list[float] = []

    async def fail_once(_message: int) -> None:
        times.append(now())
        if len(times) == 1:
            raise Planned

    diary = Diary(fail_once)
    backoff = Backoff(initial=1, jitter=0)
    retry = Retry(on=Planned, attempts=2, backoff=backoff, keeps_order=keeps_order)
    async with consumer_of(kind, diary, retry=retry) as consumer:
        consumer.send(1)
        await asyncio.sleep(0.5)
        consumer.pause()
        await asyncio.sleep(10)
        consumer.resume()
        await consumer.join()
    assert times == [0, 10.5]


@each_kind
@explored(faults="offered", seeds=10)
async def test_pauses_at_any_step_lose_nothing_and_nothing_is_begun_in_them(
    sim: Simulation, kind: str
) -> None:
    """Q14"""
    broken: list[int] = []

    async def work(number: int) -> None:
        if mailbox.is_paused:
            broken.append(number)
        await asyncio.sleep(0.01)

    mailbox: Mailbox[int] = Mailbox()
    diary = Diary(work)
    consumer = consumer_of(kind, diary, mailbox=mailbox, stopping_grace_period=0.5)
    faults_of(sim, consumer)
    sim.offer("pause", consumer.pause)
    sim.offer("resume", consumer.resume)
    for number in range(6):
        mailbox.send(number)
    await end_of(consumer.startup())
    await asyncio.sleep(0.005)
    consumer.pause()
    await asyncio.sleep(0.05)
    consumer.resume()
    await asyncio.sleep(0.005)
    await stop_at_last(consumer)
    assert not broken or kind in ("limited", "batch")  # each begins in a task of its own
    assert sorted([*diary.handled, *diary.left, *mailbox.messages]) == list(range(6))
    sim.sometimes("something was handed back", bool(diary.left))


@pytest.mark.real
async def test_another_thread_may_pause_and_resume_a_consumer_at_work() -> None:
    """Q14"""
    diary = Diary()

    def pause_now_and_then() -> None:
        for number in range(300):
            consumer.pause()
            consumer.send(number)
            consumer.resume()

    async with consumer_of("pool", diary) as consumer:
        thread = threading.Thread(target=pause_now_and_then)
        thread.start()
        await asyncio.to_thread(thread.join)
        await consumer.join()
    assert diary.handled == list(range(300))
