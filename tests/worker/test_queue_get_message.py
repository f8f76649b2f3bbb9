"""``get_message()``: what it returns, when, and what the account makes of it."""

from __future__ import annotations

import asyncio
from math import inf, nan

import pytest

from fluid import FluidValueError, QueueConsumer
from tests.worker.fakes import now
from tests.worker.queue_cast import Taker, Untouchable, account


def consumer_with(run, **options) -> QueueConsumer[object]:
    """Returns a consumer whose ``run`` is the given function."""

    class Made(QueueConsumer[object]):
        async def run(self) -> None:
            await run(self)

    return Made(name="made", **options)


@pytest.mark.parametrize("timeout", [0, 0.5, 30])
async def test_it_returns_none_when_nothing_comes_in_time(timeout: float) -> None:
    async def run(worker) -> None:
        assert await worker.get_message(timeout) is None

    async with consumer_with(run) as consumer:
        await consumer.wait_for_shutdown()
        assert now() == pytest.approx(timeout)


async def test_it_waits_half_a_second_unless_told_otherwise() -> None:
    async def run(worker) -> None:
        assert await worker.get_message() is None

    async with consumer_with(run) as consumer:
        await consumer.wait_for_shutdown()
        assert now() == 0.5


@pytest.mark.parametrize("timeout", [-1, nan, "1", True, None])
async def test_its_timeout_is_a_duration(timeout) -> None:
    consumer = Taker()
    with pytest.raises(FluidValueError, match="timeout of get_message"):
        await consumer.get_message(timeout)


@pytest.mark.parametrize("timeout", [1, inf])
async def test_a_message_ends_the_wait_at_once(timeout: float) -> None:
    found = []

    async def run(worker) -> None:
        found.append(await worker.get_message(timeout))

    async with consumer_with(run) as consumer:
        await asyncio.sleep(0.25)
        consumer.send("hello")
        await consumer.wait_for_shutdown()
        assert (found, now()) == (["hello"], 0.25)


async def test_a_wake_up_ends_the_wait_and_is_no_message() -> None:
    found = []

    async def run(worker) -> None:
        found.append(await worker.get_message(inf))

    async with consumer_with(run) as consumer:
        await asyncio.sleep(0.25)
        assert consumer.queue_size() == 0
        consumer.send(None)
        await consumer.wait_for_shutdown()
        assert (found, now()) == ([None], 0.25)
    account(consumer)


async def test_a_wake_up_that_finds_nobody_waiting_ends_the_next_wait() -> None:
    found = []

    async def run(worker) -> None:
        worker.send(None)
        found.append(await worker.get_message(10))
        found.append(await worker.get_message(10))

    async with consumer_with(run) as consumer:
        await consumer.wait_for_shutdown()
        assert (found, now()) == ([None, None], 10)


@pytest.mark.parametrize("message", [0, "", [], {}, False, 0.0], ids=repr)
async def test_a_falsy_message_is_a_message(message) -> None:
    """Q18"""
    consumer = Taker()
    async with consumer:
        consumer.send(message)
    assert consumer.handled == [message]


@pytest.mark.parametrize("maxsize", [0, 3])
async def test_nobody_looks_into_a_message(maxsize: int) -> None:
    """Q17"""
    consumer = Taker(maxsize=maxsize)
    async with consumer:
        consumer.send(Untouchable())
        await consumer.put(Untouchable())
        await consumer.join()
    assert len(consumer.handled) == 2


async def test_a_stop_ends_the_wait_and_queued_messages_still_come() -> None:
    found = []

    async def run(worker) -> None:
        found.append(await worker.get_message(inf))
        worker.send("left")
        found.append(await worker.get_message(inf))
        found.append(await worker.get_message(inf))

    async with consumer_with(run):
        await asyncio.sleep(1)
    assert found == [None, "left", None]
    assert now() < 1.1


async def test_a_loop_that_never_looks_at_the_state_does_not_spin_while_stopping() -> None:
    calls = []

    async def run(worker) -> None:
        while True:
            calls.append(await worker.get_message())

    async with consumer_with(run, stopping_grace_period=1):
        pass
    assert len(calls) < 110


@pytest.mark.parametrize("takers", [1, 2, 5])
async def test_as_many_messages_as_takers_reach_one_each(takers: int) -> None:
    """Q12"""
    found = []

    async def run(worker) -> None:
        async def take() -> None:
            found.append(await worker.get_message(10))

        async with asyncio.TaskGroup() as group:
            for _ in range(takers):
                group.create_task(take())

    async with consumer_with(run) as consumer:
        await asyncio.sleep(1)
        for number in range(takers):
            consumer.send(number)
        await consumer.wait_for_shutdown()
        assert (sorted(found), now()) == (list(range(takers)), 1)


async def test_a_wake_up_is_not_lost_with_the_taker_it_woke() -> None:
    """Q12"""
    found = []

    async def run(worker) -> None:
        takers = [asyncio.ensure_future(worker.get_message(10)) for _ in range(2)]
        await asyncio.sleep(1)
        worker.send("hello")
        takers[0].cancel()
        found.append(await takers[1])
        assert now() == 1

    async with consumer_with(run) as consumer:
        await consumer.wait_for_shutdown()
    assert found == ["hello"]


async def test_a_message_that_another_taker_was_quicker_to_take_does_not_end_the_wait() -> None:
    found = []

    async def run(worker) -> None:
        taker = asyncio.ensure_future(worker.get_message(10))
        await worker.get_message(1)
        worker.send("mine")
        found.append(await worker.get_message(10))
        await asyncio.sleep(1)
        worker.send("yours")
        found.append(await taker)

    async with consumer_with(run) as consumer:
        await consumer.wait_for_shutdown()
    assert sorted(found) == ["mine", "yours"]


async def test_waits_that_time_out_leave_nothing_behind() -> None:
    async def run(worker) -> None:
        for _ in range(1000):
            await worker.get_message(1)

    async with consumer_with(run) as consumer:
        await asyncio.sleep(990.5)
        assert len(consumer.worker_mailbox.getters) == 1
        await consumer.wait_for_shutdown()


async def test_a_taker_of_many_messages_leaves_the_loop_a_step_now_and_then() -> None:
    steps = 0

    async def run(worker) -> None:
        for _ in range(1000):
            await worker.get_message()

    async with consumer_with(run) as consumer:
        for number in range(1000):
            consumer.send(number)
        while consumer.queue_size():
            steps += 1
            await asyncio.sleep(0)
    assert steps >= 3


# --- the account ---------------------------------------------------------------------------------


async def test_a_message_is_handled_when_its_taker_comes_back_for_more() -> None:
    async def run(worker) -> None:
        await worker.get_message()
        account(worker, accepted=2, in_hand=1, queued=1)
        await worker.get_message()
        account(worker, accepted=2, in_hand=1, handled=1)
        await worker.get_message()
        account(worker, accepted=2, handled=2)

    consumer = consumer_with(run)
    consumer.send(1)
    consumer.send(2)
    async with consumer:
        await consumer.wait_for_shutdown()


async def test_messages_in_hand_are_handled_when_run_returns_and_dead_when_it_raises() -> None:
    async def take_two(worker) -> None:
        async def take() -> None:
            await worker.get_message()
            await asyncio.sleep(1)

        waiting = asyncio.ensure_future(take())
        await worker.get_message()
        await asyncio.sleep(0.5)
        account(worker, accepted=2, in_hand=2)
        await waiting

    async def take_two_and_fail(worker) -> None:
        await take_two(worker)
        raise ValueError("no")

    for run, expected in ((take_two, "handled"), (take_two_and_fail, "dead")):
        consumer = consumer_with(run)
        consumer.send(1)
        consumer.send(2)
        await consumer.startup()
        await asyncio.gather(consumer.wait_for_shutdown(), return_exceptions=True)
        account(consumer, accepted=2, **{expected: 2})


async def test_messages_in_hand_go_back_to_the_front_in_order_when_run_is_cancelled() -> None:
    """Q04"""
    left = []

    class Made(QueueConsumer[object]):
        async def take(self) -> None:
            await self.get_message()
            await asyncio.sleep(inf)

        async def run(self) -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(self.take())

        async def on_undelivered(self, messages) -> None:
            left.extend(messages)

    consumer = Made(stopping_grace_period=0)
    async with consumer:
        for number in range(5):
            consumer.send(number)
        await asyncio.sleep(1)
        account(consumer, accepted=5, in_hand=3, queued=2)
    assert left == [0, 1, 2, 3, 4]


async def test_of_several_takers_one_that_failed_kills_its_message_and_others_return_theirs() -> (
    None
):
    async def run(worker) -> None:
        async def take() -> None:
            message = await worker.get_message()
            await asyncio.sleep(1)
            if message == 1:
                raise ValueError("no")
            await asyncio.sleep(inf)

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(take())

    consumer = consumer_with(run)
    for number in range(4):
        consumer.send(number)
    await consumer.startup()
    await asyncio.gather(consumer.wait_for_shutdown(), return_exceptions=True)
    account(consumer, accepted=4, dead=1, queued=3)
    assert list(consumer.worker_mailbox.messages) == [0, 2, 3]


async def test_a_message_in_hand_is_not_lost_with_a_run_that_swallows_the_cancel() -> None:
    async def run(worker) -> None:
        await worker.get_message()
        try:
            await asyncio.sleep(inf)
        except asyncio.CancelledError:
            return

    consumer = consumer_with(run, stopping_grace_period=0)
    async with consumer:
        consumer.send(1)
        await asyncio.sleep(1)
    account(consumer, accepted=1, dropped=1)


async def test_takers_that_have_ended_hold_no_messages() -> None:
    async def run(worker) -> None:
        for _ in range(10):
            await asyncio.ensure_future(worker.get_message())  # as wait_for does on Python 3.11
            assert worker.worker_mailbox.account().in_hand <= 1
        await worker.get_message(0)
        account(worker, accepted=10, handled=10)

    consumer = consumer_with(run)
    for number in range(10):
        consumer.send(number)
    async with consumer:
        await consumer.wait_for_shutdown()


async def test_outside_of_run_a_message_is_handled_the_moment_it_is_taken() -> None:
    found = []

    class Made(QueueConsumer[object]):
        async def on_startup(self) -> None:
            found.append(await self.get_message())

        async def run(self) -> None:
            pass

        async def on_shutdown(self) -> None:
            found.append(await self.get_message())
            found.append(await self.get_message())

    consumer = Made()
    for number in range(4):
        consumer.send(number)
    found.append(await consumer.get_message())
    async with consumer:
        await consumer.wait_for_shutdown()
    found.append(await consumer.get_message())
    assert found == [0, 1, 2, 3, None]
    account(consumer, accepted=4, handled=4)


async def test_status_has_the_size_of_the_queue_and_the_account() -> None:
    consumer = Taker()
    consumer.send(1)
    status = await consumer.status()
    assert status["queue_size"] == 1
    assert status["messages"]["accepted"] == 1
