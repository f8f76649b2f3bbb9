"""A consumer of any kind that is asked to stop: what it still handles, and who gets the rest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

import pytest

from fluid import Backoff, ConsumerClosed, Mailbox, RateLimit, Retry, WorkerState
from fluid.events import Fate, MessagesAccounted, MessagesUndelivered
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, stop_at_last
from tests.scenarios.drain_cast import Diary, account_of, at_once, consumer_of, each_kind
from tests.worker.fakes import now
from tests.worker.queue_cast import hang, taking


@each_kind
async def test_what_was_accepted_before_a_stop_is_handled_before_the_end(kind: str) -> None:
    """U01"""
    diary = Diary(taking(0.1))
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    for number in range(50):
        consumer.send(number)
    await consumer.shutdown()
    assert sorted(diary.handled) == list(range(50))
    assert consumer.worker_state is WorkerState.STOPPED
    assert account_of(consumer) == {"accepted": 50, "handled": 50}
    assert now() == pytest.approx(0.1 * -(-50 // at_once(kind)))


@each_kind
async def test_what_is_left_when_the_grace_is_over_is_handed_back_counted_and_reported(
    kind: str,
) -> None:
    """U02"""
    diary = Diary(taking(1))
    consumer = consumer_of(kind, diary, stopping_grace_period=2.5)
    await consumer.startup()
    for number in range(50):
        consumer.send(number)
    await consumer.shutdown()
    done = 2 * at_once(kind)
    assert sorted(diary.handled) == list(range(done))
    assert sorted(diary.left) == list(range(done, 50))
    assert diary.left[at_once(kind) :] == list(range(done + at_once(kind), 50))
    assert account_of(consumer) == {"accepted": 50, "handled": done, "returned": 50 - done}
    (report,) = diary.heard(MessagesUndelivered)
    assert (report.count, report.fate) == (50 - done, Fate.RETURNED)
    (accounted,) = diary.heard(MessagesAccounted)
    assert accounted.account == consumer.worker_exit.account
    assert consumer.worker_exit.account["returned"] == 50 - done
    assert now() == 2.5


@each_kind
async def test_what_nobody_takes_back_is_dropped_counted_and_reported(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """U02"""
    diary = Diary(hang)
    consumer = consumer_of(kind, diary, keeps=False, stopping_grace_period=1)
    await consumer.startup()
    for number in range(30):
        consumer.send(number)
    await consumer.shutdown()
    assert account_of(consumer) == {"accepted": 30, "dropped": 30}
    assert "consumer consumer ended with 30 messages left; they are lost" in caplog.text


@each_kind
@explored(faults="offered", seeds=10)
async def test_what_is_sent_around_a_stop_is_refused_or_handled_or_handed_back(
    sim: Simulation, kind: str
) -> None:
    """U03: at any step, in any order."""
    diary = Diary(taking(0.01))
    consumer = consumer_of(kind, diary, stopping_grace_period=0.005)
    accepted: list[int] = []
    numbers = count()

    def send() -> None:
        number = next(numbers)
        with suppress(ConsumerClosed):
            consumer.send(number)
            accepted.append(number)

    async def put() -> None:
        with suppress(ConsumerClosed):
            for number in numbers:
                await consumer.put(number)
                accepted.append(number)
                await asyncio.sleep(0.004)

    sim.offer("send", send)
    sim.offer("stop", consumer.gracefully_stop)
    await consumer.startup()
    producer = asyncio.ensure_future(put())
    await asyncio.sleep(0.02)
    await stop_at_last(consumer)
    await producer
    assert sorted([*diary.handled, *diary.left]) == sorted(accepted)
    assert account_of(consumer).get("accepted", 0) == len(accepted)
    with pytest.raises(ConsumerClosed):
        consumer.send(-1)
    sim.sometimes("something was handed back", bool(diary.left))
    sim.sometimes("something was handled", bool(diary.handled))


@each_kind
async def test_those_who_wait_for_room_are_refused_by_a_stop(kind: str) -> None:
    """U04"""
    diary = Diary(taking(1))
    consumer = consumer_of(kind, diary, maxsize=4)
    await consumer.startup()
    for number in range(4):
        consumer.send(number)
    await asyncio.sleep(0.1)
    for number in range(4, 4 + 4 - consumer.queue_size()):
        consumer.send(number)
    accepted = account_of(consumer)["accepted"]
    puts = [asyncio.ensure_future(consumer.put(number)) for number in range(100, 110)]
    await asyncio.sleep(0)
    consumer.gracefully_stop()
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConsumerClosed}
    await consumer.shutdown()
    assert sorted(diary.handled) == list(range(accepted))
    assert account_of(consumer) == {"accepted": accepted, "handled": accepted}


LATE = Backoff(initial=5, factor=1, jitter=0)
SOON = Backoff(initial=1, factor=1, jitter=0)


@pytest.mark.parametrize("keeps_order", [True, False])
@pytest.mark.parametrize("kind", ["plain", "pool", "keyed", "batch"])
async def test_a_retry_that_is_due_after_the_grace_is_handed_back_and_not_waited_for(
    kind: str, *, keeps_order: bool
) -> None:
    """U08"""

    async def fail_odd(message: int) -> None:
        if message == 1:
            raise Planned

    diary = Diary(fail_odd)
    retry = Retry(on=Planned, attempts=2, backoff=LATE, keeps_order=keeps_order)
    consumer = consumer_of(kind, diary, retry=retry, stopping_grace_period=4)
    await consumer.startup()
    for number in range(8):
        consumer.send(number)
    await asyncio.sleep(0.5)
    await consumer.shutdown()
    assert now() == pytest.approx(0.5, abs=0.1)
    assert consumer.worker_state is WorkerState.STOPPED
    assert 1 in diary.left
    assert sorted([*diary.handled, *diary.left]) == list(range(8))
    waits_behind = kind == "batch" or (keeps_order and kind in ("plain", "keyed"))
    assert len(diary.left) > 1 if waits_behind else diary.left == [1]
    assert diary.left == sorted(diary.left)
    assert diary.heard(MessagesUndelivered)[0].fate is Fate.RETURNED


@pytest.mark.parametrize("keeps_order", [True, False])
@pytest.mark.parametrize("kind", ["plain", "pool", "keyed", "batch"])
async def test_a_retry_that_is_due_within_the_grace_is_waited_for(
    kind: str, *, keeps_order: bool
) -> None:
    """U08"""

    async def fail_once(message: int) -> None:
        if message == 1 and diary.began.count(1) == 1:
            raise Planned

    diary = Diary(fail_once)
    retry = Retry(on=Planned, attempts=2, backoff=SOON, keeps_order=keeps_order)
    consumer = consumer_of(kind, diary, retry=retry, stopping_grace_period=4)
    async with consumer:
        for number in range(8):
            consumer.send(number)
        await asyncio.sleep(0.5)
    assert sorted(diary.handled) == list(range(8))
    assert now() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", ["plain", "pool", "keyed"])
async def test_a_beginning_that_its_rate_limit_puts_off_beyond_the_grace_is_handed_back(
    kind: str,
) -> None:
    """U08"""
    diary = Diary()
    consumer = consumer_of(kind, diary, rate_limit=RateLimit(1), stopping_grace_period=2.5)
    async with consumer:
        for number in range(8):
            consumer.send(number)
    assert diary.handled == [0, 1, 2]
    assert sorted(diary.left) == [3, 4, 5, 6, 7]
    assert now() < 2.5


@each_kind
async def test_what_one_life_hands_back_can_be_sent_to_the_next(kind: str) -> None:
    mailbox: Mailbox[int] = Mailbox()
    first, second = Diary(hang), Diary()
    async with consumer_of(kind, first, mailbox=mailbox, stopping_grace_period=0):
        for number in range(6):
            mailbox.send(number)
        await asyncio.sleep(1)
    async with consumer_of(kind, second, mailbox=mailbox):
        for message in sorted(first.left):
            mailbox.send(message)
    assert sorted(second.handled) == list(range(6))
    assert account_of(mailbox) == {"accepted": 12, "handled": 6, "returned": 6}
