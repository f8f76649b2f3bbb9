"""``QueueConsumerWorker``: awaits ``on_message`` for each message."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fluid.utils.errors import FluidValueError
from fluid.utils.worker import Account, QueueConsumer, QueueConsumerWorker, WorkerState
from tests.contract.cast import BoomError, end_of, for_ever

NUMBERS = [0, 1, 2, 20, 1000]

Handler = Callable[[Any], Awaitable[None]]


def keeping(kept: list[Any]) -> Handler:
    """Returns a handler that keeps its messages."""

    async def keep(message: Any) -> None:
        kept.append(message)

    return keep


async def ignore(message: object) -> None: ...


def account_of(consumer: QueueConsumer[Any]) -> Account:
    assert consumer.worker_exit is not None
    account = Account(**consumer.worker_exit.account)
    assert account.adds_up
    return account


# --- what there is to give -----------------------------------------------------------------------


def test_it_takes_one_function_and_keeps_it_as_an_attribute() -> None:
    consumer = QueueConsumerWorker(on_message=ignore)
    assert isinstance(consumer, QueueConsumer)
    assert consumer.on_message is ignore
    parameter = inspect.signature(QueueConsumerWorker).parameters["on_message"]
    assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def test_none_may_be_left_out_where_a_subclass_has_a_method_of_that_name() -> None:
    class Greeter(QueueConsumerWorker[str]):
        async def on_message(self, message: str) -> None: ...

    assert Greeter().worker_name == "greeter"
    with pytest.raises(FluidValueError, match="on_message of consumer 'queue_consumer_worker'"):
        QueueConsumerWorker()


@pytest.mark.parametrize("given", [None, 5, "handle"], ids=repr)
def test_whatever_is_no_function_is_refused_with_the_name_of_the_consumer(given: Any) -> None:
    with pytest.raises(FluidValueError, match="on_message of consumer 'orders'"):
        QueueConsumerWorker(given, name="orders")


async def test_sync_function_is_taught_to_be_an_async_one() -> None:
    def handle(message: object) -> None: ...

    consumer = QueueConsumerWorker(handle)  # type: ignore[arg-type]
    consumer.send(1)
    await consumer.startup()
    error = await end_of(consumer)
    assert isinstance(error, TypeError)
    assert "async def" in "".join(error.__notes__)


# --- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
async def test_every_message_is_handled_in_the_order_of_sending(number: int) -> None:
    kept: list[int] = []
    async with QueueConsumerWorker(keeping(kept)) as consumer:
        for message in range(number):
            consumer.send(message)
        await asyncio.sleep(1)
        assert kept == list(range(number))
    assert account_of(consumer).handled == number


@pytest.mark.parametrize("number", NUMBERS)
async def test_messages_may_be_sent_before_the_start(number: int) -> None:
    kept: list[int] = []
    consumer = QueueConsumerWorker(keeping(kept))
    for message in range(number):
        consumer.send(message)
    async with consumer:
        await asyncio.sleep(1)
    assert kept == list(range(number))


@pytest.mark.parametrize("number", NUMBERS)
async def test_stop_handles_what_was_accepted_within_the_grace_period(number: int) -> None:
    kept: list[int] = []

    async def slowly(message: int) -> None:
        await asyncio.sleep(0.001)
        kept.append(message)

    async with QueueConsumerWorker(slowly) as consumer:
        for message in range(number):
            consumer.send(message)
    assert kept == list(range(number))
    assert consumer.worker_state is WorkerState.STOPPED


async def test_handler_never_sees_none() -> None:
    kept: list[object] = []
    async with QueueConsumerWorker(keeping(kept)) as consumer:
        for message in (None, 0, None, "", None):
            consumer.send(message)
        await asyncio.sleep(1)
        consumer.send(None)
    assert kept == [0, ""]
    assert account_of(consumer).accepted == 2


async def test_message_is_handled_at_the_moment_it_is_sent() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def note(message: float) -> None:
        times.append(loop.time() - message)

    async with QueueConsumerWorker(note) as consumer:
        for _ in range(3):
            await asyncio.sleep(17)
            consumer.send(loop.time())
    assert times == [0, 0, 0]


async def test_messages_are_handled_one_at_a_time() -> None:
    inside = [0, 0]

    async def slowly(message: int) -> None:
        inside[0] += 1
        inside[1] = max(inside)
        await asyncio.sleep(0.1)
        inside[0] -= 1

    async with QueueConsumerWorker(slowly) as consumer:
        for message in range(20):
            consumer.send(message)
    assert inside == [0, 1]


async def test_handler_may_send_follow_ups_while_the_consumer_drains() -> None:
    kept: list[int] = []

    async def count_down(message: int) -> None:
        kept.append(message)
        if message:
            consumer.send(message - 1)

    consumer = QueueConsumerWorker(count_down)
    await consumer.startup()
    consumer.send(5)
    await consumer.shutdown()
    assert kept == [5, 4, 3, 2, 1, 0]


async def test_error_of_the_handler_ends_the_worker_and_leaves_the_rest_in_the_queue() -> None:
    error = BoomError("boom")

    async def choke(message: int) -> None:
        if message == 2:
            raise error

    consumer = QueueConsumerWorker(choke)
    for message in (1, 2, 3, 4):
        consumer.send(message)
    await consumer.startup()
    assert await end_of(consumer) is error
    assert consumer.worker_state is WorkerState.FAILED
    account = account_of(consumer)
    assert (account.handled, account.dead, account.queued) == (1, 1, 2)


async def test_message_in_hand_when_the_worker_is_cancelled_is_not_lost() -> None:
    class Saving(QueueConsumerWorker[int]):
        saved: tuple[int, ...] = ()

        async def on_undelivered(self, messages: Any) -> None:
            self.saved = tuple(messages)

    async def hang(message: int) -> None:
        await for_ever()

    consumer = Saving(hang, stopping_grace_period=1)
    for message in (1, 2, 3):
        consumer.send(message)
    async with consumer:
        await asyncio.sleep(1)
    assert consumer.worker_state is WorkerState.FORCE_STOPPED
    assert consumer.saved == (1, 2, 3)
    assert account_of(consumer).returned == 3


# --- the attribute -------------------------------------------------------------------------------


async def test_function_that_is_set_while_it_runs_gets_the_next_message() -> None:
    first: list[int] = []
    second: list[int] = []
    async with QueueConsumerWorker(keeping(first)) as consumer:
        consumer.send(1)
        await asyncio.sleep(1)
        consumer.on_message = keeping(second)
        consumer.send(2)
    assert (first, second) == ([1], [2])


async def test_handler_may_replace_itself_between_two_messages_that_wait_already() -> None:
    first: list[int] = []
    second: list[int] = []

    async def hand_over(message: int) -> None:
        first.append(message)
        consumer.on_message = keeping(second)

    consumer = QueueConsumerWorker(hand_over)
    for message in range(20):
        consumer.send(message)
    async with consumer:
        pass
    assert first == [0]
    assert second == list(range(1, 20))


async def test_function_may_be_set_before_the_start() -> None:
    kept: list[int] = []
    consumer = QueueConsumerWorker(ignore)
    consumer.on_message = keeping(kept)
    async with consumer:
        consumer.send(1)
    assert kept == [1]


async def test_on_message_may_be_a_property_of_a_subclass() -> None:
    kept: list[int] = []

    class Routed(QueueConsumerWorker[int]):
        @property
        def on_message(self) -> Handler:
            return keeping(kept)

        @on_message.setter
        def on_message(self, handler: Handler) -> None:
            pass

    async with Routed(ignore) as consumer:
        consumer.send(1)
    assert kept == [1]
