"""``AsyncConsumer``: gives each message to a dispatcher."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest

from fluid.utils.dispatcher import AsyncDispatcher
from fluid.utils.worker import AsyncConsumer, QueueConsumer, WorkerState
from tests.contract.cast import BoomError, end_of


class ByType(AsyncDispatcher[object]):
    """The type of a message is the name of its class."""

    def event_type(self, message: object) -> str:
        return type(message).__name__


def dispatcher(**handlers: Callable[[object], Awaitable[None]]) -> ByType:
    made = ByType()
    for event, handler in handlers.items():
        made.register_handler(event, handler)
    return made


def keeping(kept: list[object]) -> Callable[[object], Awaitable[None]]:
    async def keep(message: object) -> None:
        kept.append(message)

    return keep


def test_it_takes_a_dispatcher_and_keeps_it_as_an_attribute() -> None:
    own = ByType()
    consumer = AsyncConsumer(dispatcher=own)
    assert isinstance(consumer, QueueConsumer)
    assert consumer.dispatcher is own
    parameter = inspect.signature(AsyncConsumer).parameters["dispatcher"]
    assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert consumer.worker_name == "async_consumer"


@pytest.mark.parametrize("number", [0, 1, 2, 20, 1000])
async def test_every_message_is_dispatched_in_the_order_of_sending(number: int) -> None:
    kept: list[object] = []
    consumer = AsyncConsumer(dispatcher(int=keeping(kept)))
    for message in range(number // 2):
        consumer.send(message)
    async with consumer:
        for message in range(number // 2, number):
            consumer.send(message)
    assert kept == list(range(number))
    assert consumer.worker_state is WorkerState.STOPPED


async def test_message_goes_to_all_handlers_of_its_type_and_to_no_other() -> None:
    kept: dict[str, list[object]] = {"int": [], "int.too": [], "str": []}
    own = ByType()
    for event, messages in kept.items():
        own.register_handler(event, keeping(messages))
    async with AsyncConsumer(own) as consumer:
        consumer.send(1)
        consumer.send("a")
    assert kept == {"int": [1], "int.too": [1], "str": ["a"]}


async def test_message_without_a_handler_is_handled_by_nobody_and_is_no_error() -> None:
    async with AsyncConsumer(ByType()) as consumer:
        consumer.send("nobody cares")
    assert consumer.worker_exit is not None
    assert consumer.worker_exit.account["handled"] == 1


async def test_dispatcher_never_sees_none() -> None:
    kept: list[object] = []
    async with AsyncConsumer(dispatcher(NoneType=keeping(kept))) as consumer:
        consumer.send(None)
        await asyncio.sleep(1)
    assert kept == []


async def test_dispatcher_that_is_set_while_it_runs_gets_the_next_message() -> None:
    first: list[object] = []
    second: list[object] = []
    async with AsyncConsumer(dispatcher(int=keeping(first))) as consumer:
        consumer.send(1)
        await asyncio.sleep(1)
        consumer.dispatcher = dispatcher(int=keeping(second))
        consumer.send(2)
    assert (first, second) == ([1], [2])


async def test_handler_may_replace_the_dispatcher_between_two_messages_that_wait_already() -> None:
    first: list[object] = []
    second: list[object] = []

    async def hand_over(message: object) -> None:
        first.append(message)
        consumer.dispatcher = dispatcher(int=keeping(second))

    consumer = AsyncConsumer(dispatcher(int=hand_over))
    for message in range(20):
        consumer.send(message)
    async with consumer:
        pass
    assert first == [0]
    assert second == list(range(1, 20))


async def test_handler_registered_while_it_runs_is_called_for_the_next_message() -> None:
    kept: list[object] = []
    async with AsyncConsumer(ByType()) as consumer:
        consumer.send(1)
        await asyncio.sleep(1)
        consumer.dispatcher.register_handler("int", keeping(kept))
        consumer.send(2)
    assert kept == [2]


async def test_error_of_a_handler_ends_the_worker_as_it_is() -> None:
    error = BoomError("boom")

    async def fail(message: object) -> None:
        raise error

    consumer = AsyncConsumer(dispatcher(int=fail))
    consumer.send(1)
    await consumer.startup()
    assert await end_of(consumer) is error
    assert consumer.worker_state is WorkerState.FAILED


async def test_errors_of_several_handlers_end_the_worker_as_a_group_after_all_have_ended() -> None:
    kept: list[object] = []

    async def fail(message: object) -> None:
        raise BoomError("boom")

    async def slowly(message: object) -> None:
        await asyncio.sleep(5)
        kept.append(message)

    own = ByType()
    for event, handler in {"int.a": fail, "int.b": fail, "int.c": slowly}.items():
        own.register_handler(event, handler)
    consumer = AsyncConsumer(own)
    consumer.send(1)
    await consumer.startup()
    error = await end_of(consumer)
    assert isinstance(error, ExceptionGroup)
    assert [type(each) for each in error.exceptions] == [BoomError, BoomError]
    assert kept == [1]
