"""What a handler sends to its own consumer: accepted while that drains, as nobody else's is."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ConsumerClosed, QueueConsumerWorker, WorkerState
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Planned, faults_of, stop_at_last
from tests.scenarios.drain_cast import Diary, account_of, consumer_of, each_kind
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


@each_kind
@pytest.mark.parametrize("maxsize", [0, 4])
async def test_follow_ups_are_handled_while_the_consumer_drains(kind: str, maxsize: int) -> None:
    """U06: down to any depth, and without waiting for room."""

    async def visit(depth: int) -> None:
        await asyncio.sleep(0.1)
        if depth < 5:
            await consumer.put(depth + 1)

    diary = Diary(visit)
    consumer = consumer_of(kind, diary, maxsize=maxsize)
    await consumer.startup()
    for _ in range(3):
        consumer.send(1)
    await consumer.shutdown()
    assert sorted(diary.handled) == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert account_of(consumer) == {"accepted": 15, "handled": 15}


@pytest.mark.parametrize("kind", ["pool", "pool of keys"])
async def test_the_whole_pool_is_there_for_follow_ups_as_long_as_a_handler_may_send_some(
    kind: str,
) -> None:
    """U06: a loop that has nothing to do in a drain does not end before the others have."""

    async def fan_out(number: int) -> None:
        await asyncio.sleep(1)
        if number == 0:
            for follow_up in range(1, 9):
                consumer.send(follow_up)

    diary = Diary(fan_out)
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    consumer.send(0)
    await consumer.shutdown()
    assert sorted(diary.handled) == list(range(9))
    assert now() == 3


@each_kind
async def test_a_stranger_is_refused_while_follow_ups_are_accepted(kind: str) -> None:
    """U06"""
    refused: list[str] = []

    async def visit(message: str) -> None:
        await asyncio.sleep(0.1)
        if message == "first":
            consumer.send("follow-up")

    async def intrude() -> None:
        for verb in (consumer.send, consumer.put):
            try:
                result = verb("stranger")
                if result is not None:
                    await result
            except ConsumerClosed:
                refused.append("stranger")

    diary = Diary(visit)
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    consumer.send("first")
    consumer.gracefully_stop()
    for _ in range(3):
        await asyncio.sleep(0.06)
        await intrude()
    await consumer.wait_for_shutdown()
    assert diary.handled == ["first", "follow-up"]
    assert len(refused) == 6


@each_kind
async def test_a_task_that_a_handler_has_made_may_follow_up_as_long_as_the_consumer_drains(
    kind: str,
) -> None:
    """U06"""
    late: list[asyncio.Task[None]] = []

    async def follow_up(seconds: float) -> None:
        await asyncio.sleep(seconds)
        consumer.send("follow-up")

    async def visit(message: str) -> None:
        if message == "first":
            late.append(asyncio.ensure_future(follow_up(0.1)))
            late.append(asyncio.ensure_future(follow_up(10)))
        await asyncio.sleep(1)

    diary = Diary(visit)
    consumer = consumer_of(kind, diary)
    await consumer.startup()
    consumer.send("first")
    await asyncio.sleep(0.05)
    await consumer.shutdown()
    assert diary.handled == ["first", "follow-up"]
    await asyncio.wait(late)
    assert [type(task.exception()) for task in late] == [type(None), ConsumerClosed]


@each_kind
async def test_a_consumer_that_feeds_itself_for_ever_is_cut_by_its_grace(kind: str) -> None:
    """U07"""

    async def feed(number: int) -> None:
        consumer.send(number + 1)
        await asyncio.sleep(0.1)

    diary = Diary(feed)
    consumer = consumer_of(kind, diary, stopping_grace_period=2.05)
    await consumer.startup()
    consumer.send(0)
    await consumer.shutdown()
    assert now() == 2.05
    assert consumer.worker_state is WorkerState.FORCE_STOPPED
    accepted = 1 + len(diary.began)
    assert sorted([*diary.handled, *diary.left]) == list(range(accepted))
    assert len(diary.left) >= 2  # what was in hand, and what followed
    assert account_of(consumer)["accepted"] == accepted


async def test_a_dead_letter_hook_may_follow_up_and_on_undelivered_may_not() -> None:
    """U06"""
    outcomes: list[object] = []

    class Sorting(QueueConsumerWorker[str]):
        async def on_message(self, message: str) -> None:
            await asyncio.sleep(1)
            if message == "bad":
                raise Planned

        async def on_dead_letter(self, _message: str, _error: object, _attempts: int) -> None:
            self.send("good")

        async def on_undelivered(self, messages: object) -> None:
            outcomes.append(messages)
            with pytest.raises(ConsumerClosed):
                self.send("too late")

    consumer = Sorting(stopping_grace_period=2.5)
    await consumer.startup()
    for message in "bad", "fine", "unfinished":
        consumer.send(message)
    await consumer.shutdown()
    assert outcomes == [["unfinished", "good"]]
    assert account_of(consumer) == {"accepted": 4, "handled": 1, "dead": 1, "returned": 2}


@each_kind
@explored(faults="offered", seeds=10)
async def test_follow_ups_are_settled_like_any_other_message(sim: Simulation, kind: str) -> None:
    """U06"""
    sent: list[int] = [1, 2, 3]

    async def follow(number: int) -> None:
        await asyncio.sleep(0.01)
        if number < 10 and number + 10 not in sent:
            sent.append(number + 10)
            consumer.send(number + 10)
            await asyncio.sleep(0.01)

    diary = Diary(follow)
    grace = sim.random().choice((0.05, 1))
    consumer = consumer_of(kind, diary, stopping_grace_period=grace)
    faults_of(sim, consumer)
    for number in sent[:3]:
        consumer.send(number)
    await end_of(consumer.startup())
    await asyncio.sleep(0.015)
    await stop_at_last(consumer)
    waiting = list(consumer.worker_mailbox.messages)
    assert sorted([*diary.handled, *diary.left, *waiting]) == sorted(sent)
    sim.sometimes("something was handed back", bool(diary.left))
    sim.sometimes("all was handled", len(diary.handled) == 6)
