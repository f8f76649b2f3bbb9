"""``QueueConsumer``: messages come in by ``send()`` and are taken with ``get_message()``."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Awaitable, Callable
from math import inf, nan
from typing import Any

import pytest

import fluid.testing
from fluid.utils.errors import ConsumerClosed, FluidValueError
from fluid.utils.worker import Account, QueueConsumer, Worker, WorkerState
from tests.contract.cast import BoomError, Collector, end_of, for_ever

NUMBERS = [0, 1, 2, 20, 1000]


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Reader(QueueConsumer[Any]):
    """Takes messages in the way that a test gives."""

    def __init__(self, read: Callable[[Reader], Awaitable[None]], **options: Any) -> None:
        super().__init__(**options)
        self.read = read
        self.got: list[object] = []

    async def run(self) -> None:
        await self.read(self)


async def take_one(reader: Reader) -> None:
    reader.got.append(await reader.get_message())


async def take_one_without_limit(reader: Reader) -> None:
    reader.got.append(await reader.get_message(timeout=inf))


# --- what there is to give -----------------------------------------------------------------------


def test_it_is_an_abstract_worker() -> None:
    assert issubclass(QueueConsumer, Worker)
    with pytest.raises(TypeError, match="run"):
        QueueConsumer()  # type: ignore[abstract]


def test_documented_members_have_the_documented_signatures() -> None:
    assert list(inspect.signature(QueueConsumer.send).parameters) == ["self", "message"]
    assert list(inspect.signature(QueueConsumer.queue_size).parameters) == ["self"]
    timeout = inspect.signature(QueueConsumer.get_message).parameters["timeout"]
    assert timeout.default == 0.5
    assert inspect.iscoroutinefunction(QueueConsumer.get_message)
    assert not inspect.iscoroutinefunction(QueueConsumer.send)


# --- the documented idiom ------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_documented_loop_takes_every_message_in_the_order_of_sending(number: int) -> None:
    async with Collector() as consumer:
        for message in range(number):
            consumer.send(message)
        await asyncio.sleep(1)
        assert consumer.queue_size() == 0
    assert consumer.messages == list(range(number))


@pytest.mark.parametrize("number", NUMBERS)
async def test_documented_loop_takes_what_was_sent_before_the_stop(number: int) -> None:
    consumer = Collector()
    await consumer.startup()
    for message in range(number):
        consumer.send(message)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert consumer.messages == list(range(number))
    assert consumer.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("number", NUMBERS)
async def test_documented_loop_takes_what_was_sent_before_the_start(number: int) -> None:
    consumer = Collector()
    for message in range(number):
        consumer.send(message)
    assert consumer.queue_size() == number
    assert consumer.worker_state is WorkerState.INIT
    async with consumer:
        await asyncio.sleep(1)
    assert consumer.messages == list(range(number))


@pytest.mark.parametrize("thread", ["this thread", "another thread"])
def test_messages_may_be_sent_before_there_is_a_loop(thread: str) -> None:
    consumer = Collector()
    if thread == "this thread":
        consumer.send("early")
    else:
        sender = threading.Thread(target=consumer.send, args=["early"])
        sender.start()
        sender.join()
    assert consumer.queue_size() == 1

    async def main() -> None:
        async with consumer:
            await asyncio.sleep(1)

    fluid.testing.run(main)
    assert consumer.messages == ["early"]


async def test_idle_loop_ends_at_once_when_a_stop_is_asked_for() -> None:
    consumer = Collector()
    await consumer.startup()
    await asyncio.sleep(100.25)
    await consumer.shutdown()
    assert loop_time() == pytest.approx(100.25, abs=0.011)
    assert consumer.worker_state is WorkerState.STOPPED


async def test_subclass_may_override_run_and_still_call_its_parents() -> None:
    class Twice(Collector):
        async def run(self) -> None:
            self.messages.append("begin")
            await super().run()
            self.messages.append("end")

    async with Twice() as consumer:
        consumer.send(1)
    assert consumer.messages == ["begin", 1, "end"]


async def test_loop_that_only_looks_at_is_running_may_leave_messages_and_they_are_counted() -> None:
    async def only_while_running(reader: Reader) -> None:
        while reader.is_running():
            message = await reader.get_message()
            if message is not None:
                reader.got.append(message)

    consumer = Reader(only_while_running)
    await consumer.startup()
    consumer.send(1)
    consumer.send(2)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert consumer.worker_exit is not None
    account = Account(**consumer.worker_exit.account)
    assert account.accepted == 2
    assert account.handled + account.dropped == 2
    assert account.handled == len(consumer.got)


# --- get_message ---------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [0, "", False, (), [], b"", 0.0], ids=repr)
async def test_everything_but_none_is_a_message(message: object) -> None:
    async with Reader(take_one) as consumer:
        consumer.send(message)
    assert consumer.got == [message]
    assert consumer.got[0] is message


@pytest.mark.parametrize(
    ("options", "seconds"), [({}, 0.5), ({"timeout": 2}, 2), ({"timeout": 0}, 0)]
)
async def test_none_is_returned_when_no_message_came_in_time(
    options: dict[str, float], seconds: float
) -> None:
    async def take(reader: Reader) -> None:
        reader.got.append(await reader.get_message(**options))

    consumer = Reader(take)
    await consumer.startup()
    await consumer.wait_for_shutdown()
    assert consumer.got == [None]
    assert loop_time() == seconds


async def test_message_that_waits_is_returned_at_once_even_without_any_time() -> None:
    async def take(reader: Reader) -> None:
        reader.got.append(await reader.get_message(timeout=0))

    consumer = Reader(take)
    consumer.send("here")
    await consumer.startup()
    await consumer.wait_for_shutdown()
    assert consumer.got == ["here"]
    assert loop_time() == 0


async def test_message_that_comes_during_the_wait_is_returned_at_that_moment() -> None:
    async with Reader(take_one_without_limit) as consumer:
        await asyncio.sleep(1234)
        consumer.send("at last")
        await consumer.wait_for_shutdown()
        assert loop_time() == 1234
    assert consumer.got == ["at last"]


async def test_waiting_message_is_returned_also_after_a_stop_was_asked_for() -> None:
    async def stop_then_take(reader: Reader) -> None:
        reader.gracefully_stop()
        for _ in range(3):
            reader.got.append(await reader.get_message(timeout=60))

    consumer = Reader(stop_then_take)
    consumer.send(1)
    consumer.send(2)
    await consumer.startup()
    await consumer.wait_for_shutdown()
    assert consumer.got == [1, 2, None]
    assert loop_time() == pytest.approx(0, abs=0.011)


async def test_stop_ends_the_wait_with_none() -> None:
    consumer = Reader(take_one_without_limit)
    await consumer.startup()
    await asyncio.sleep(5)
    await consumer.shutdown()
    assert consumer.got == [None]
    assert loop_time() == pytest.approx(5, abs=0.011)


@pytest.mark.parametrize("timeout", [nan, -1, -inf, True, "5", None], ids=repr)
async def test_time_out_that_is_no_duration_is_refused(timeout: Any) -> None:
    async def take(reader: Reader) -> None:
        await reader.get_message(timeout=timeout)

    consumer = Reader(take)
    await consumer.startup()
    assert isinstance(await end_of(consumer), FluidValueError)


async def test_cancelled_wait_takes_no_message() -> None:
    async def take_with_limit(reader: Reader) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await reader.get_message(timeout=inf)
        reader.got.append(await reader.get_message(timeout=inf))

    async with Reader(take_with_limit) as consumer:
        await asyncio.sleep(2)
        consumer.send("kept")
        await asyncio.sleep(1)
    assert consumer.got == ["kept"]


# --- None is a wake-up ---------------------------------------------------------------------------


async def test_none_wakes_the_wait_and_is_no_message() -> None:
    async with Reader(take_one_without_limit) as consumer:
        await asyncio.sleep(3)
        consumer.send(None)
        assert consumer.queue_size() == 0
        await consumer.wait_for_shutdown()
        assert loop_time() == 3
    assert consumer.got == [None]
    assert consumer.worker_exit is not None
    assert consumer.worker_exit.account["accepted"] == 0


async def test_none_sent_before_the_wait_ends_it_at_once() -> None:
    consumer = Reader(take_one_without_limit)
    consumer.send(None)
    await consumer.startup()
    await consumer.wait_for_shutdown()
    assert consumer.got == [None]
    assert loop_time() == 0


async def test_documented_loop_skips_none_between_messages() -> None:
    async with Collector() as consumer:
        for message in (None, 1, None, None, 2, None):
            consumer.send(message)
        await asyncio.sleep(1)
    assert consumer.messages == [1, 2]


# --- queue_size, status, send after the stop -----------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_status_says_what_every_worker_says_and_how_many_messages_wait(number: int) -> None:
    consumer = Collector()
    for message in range(number):
        consumer.send(message)
    status = await consumer.status()
    assert status["queue_size"] == consumer.queue_size() == number
    assert status["running"] is False
    assert status["stopping"] is False
    assert json.loads(json.dumps(status, allow_nan=False)) == status
    async with consumer:
        await asyncio.sleep(1)
        status = await consumer.status()
    assert status["queue_size"] == 0
    assert status["running"] is True
    assert json.loads(json.dumps(await consumer.status())) == await consumer.status()


async def test_nothing_is_accepted_from_the_request_to_stop_on() -> None:
    consumer = Collector()
    await consumer.startup()
    consumer.gracefully_stop()
    with pytest.raises(ConsumerClosed):
        consumer.send("too late")
    await consumer.wait_for_shutdown()
    with pytest.raises(ConsumerClosed):
        consumer.send("far too late")
    assert consumer.messages == []


async def test_follow_ups_of_the_consumer_itself_are_accepted_while_it_drains() -> None:
    class Counter(Collector):
        async def run(self) -> None:
            while self.is_running() or self.queue_size():
                message = await self.get_message()
                if isinstance(message, int):
                    self.messages.append(message)
                    if message:
                        self.send(message - 1)

    consumer = Counter()
    await consumer.startup()
    consumer.send(3)
    consumer.gracefully_stop()
    await consumer.wait_for_shutdown()
    assert consumer.messages == [3, 2, 1, 0]


async def test_message_in_hand_is_dead_when_run_raises_and_the_rest_waits() -> None:
    error = BoomError("boom")

    async def choke(reader: Reader) -> None:
        await reader.get_message()
        raise error

    consumer = Reader(choke)
    for message in (1, 2, 3):
        consumer.send(message)
    await consumer.startup()
    assert await end_of(consumer) is error
    assert consumer.worker_exit is not None
    account = Account(**consumer.worker_exit.account)
    assert (account.accepted, account.dead, account.queued) == (3, 1, 2)
    assert account.adds_up


async def test_message_in_hand_goes_back_to_the_front_when_run_is_cancelled() -> None:
    class Hoarder(Reader):
        left: object = None

        async def on_undelivered(self, messages: Any) -> None:
            self.left = list(messages)

    async def take_and_wait(reader: Reader) -> None:
        await reader.get_message()
        await for_ever()

    consumer = Hoarder(take_and_wait, stopping_grace_period=1)
    for message in (1, 2, 3):
        consumer.send(message)
    async with consumer:
        await asyncio.sleep(1)
    assert consumer.worker_state is WorkerState.FORCE_STOPPED
    assert consumer.left == [1, 2, 3]


@pytest.mark.parametrize("number", NUMBERS)
async def test_account_adds_up_before_the_start_and_after_the_end(number: int) -> None:
    consumer = Collector()
    for message in range(number):
        consumer.send(message)
    assert Account(**(await consumer.status())["messages"]).adds_up
    async with consumer:
        await asyncio.sleep(1)
    account = Account(**(await consumer.status())["messages"])
    assert account.adds_up
    assert account.handled == number


async def test_waiting_message_can_be_taken_from_a_consumer_that_was_never_started() -> None:
    consumer = Collector()
    consumer.send("early")
    assert await consumer.get_message() == "early"
    assert consumer.queue_size() == 0
    assert consumer.worker_state is WorkerState.INIT
    assert Account(**(await consumer.status())["messages"]).adds_up


async def test_time_out_holds_for_a_consumer_that_was_never_started_too() -> None:
    assert await Collector().get_message(timeout=3) is None
    assert loop_time() == 3
