"""Key functions, and what becomes of a message for which they have no good key."""

from __future__ import annotations

import asyncio

import pytest

from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Keeper, Recorder, account, taking


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_message_without_a_key_has_failed(concurrency: int) -> None:
    """As if its handler had raised: the key function did, or its result cannot be a key."""
    died = []

    async def bury(message: object, error: BaseException, attempts: int) -> None:
        died.append((message, type(error), attempts))

    consumer = Recorder(key=lambda m: m["key"], concurrency=concurrency, on_dead_letter=bury)
    async with consumer:
        consumer.send({"key": 1})
        consumer.send({})
        consumer.send({"key": []})
        consumer.send({"key": 2})
    assert died == [({}, KeyError, 1), ({"key": []}, TypeError, 1)]
    assert consumer.handled == [{"key": 1}, {"key": 2}]
    account(consumer, accepted=4, handled=2, dead=2)


async def test_without_a_hook_it_ends_the_consumer() -> None:
    consumer = Keeper(key=lambda m: m["key"], concurrency=2)
    await consumer.startup()
    consumer.send({})
    consumer.send({"key": 1})
    assert isinstance(await end_of(consumer.wait_for_shutdown()), KeyError)
    assert consumer.worker_mailbox.account().dead == 1
    assert consumer.worker_mailbox.account().adds_up


@pytest.mark.parametrize("wrong", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_key_function_that_wants_to_end_the_process_ends_the_consumer(wrong) -> None:
    def key(_message: object) -> object:
        raise wrong

    consumer = Recorder(key=key, concurrency=2)
    await consumer.startup()
    consumer.send(1)
    assert type(await end_of(consumer.wait_for_shutdown())) is wrong
    account(consumer, accepted=1, dead=1)


@pytest.mark.parametrize("key", [None, 0, "", (), float("nan")], ids=repr)
async def test_any_hashable_value_is_a_key(key: object) -> None:
    consumer = Recorder(taking(1), key=lambda _: key, concurrency=3)
    async with consumer:
        for number in range(3):
            consumer.send(number)
        await consumer.join()
        assert now() == 3
    assert consumer.handled == [0, 1, 2]


async def test_a_key_function_that_looks_at_the_account_finds_that_it_adds_up() -> None:
    def key(message: object) -> object:
        found = consumer.worker_mailbox.account()
        assert found.adds_up, found
        assert min(found) >= 0, found
        return message

    consumer = Recorder(taking(1), key=key, concurrency=2)
    async with consumer:
        for number in range(5):
            consumer.send(number % 2)
    account(consumer, accepted=5, handled=5)


async def test_a_key_function_that_sends_has_sent() -> None:
    def key(message: int) -> int:
        if message < 3:
            consumer.send(message + 1)
        return 0

    consumer = Recorder(key=key, concurrency=2)
    async with consumer:
        consumer.send(0)
        await consumer.join()
    assert consumer.handled == [0, 1, 2, 3]
