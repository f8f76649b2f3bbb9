"""What a message may be: anything but None, and nobody looks into it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fluid import Backoff, Retry
from tests.scenarios.cast import Planned
from tests.scenarios.drain_cast import Diary, account_of, consumer_of, each_kind
from tests.worker.queue_cast import Untouchable

ON_PLANNED = Retry(on=Planned, attempts=2, backoff=Backoff(initial=0))


@each_kind
async def test_nobody_looks_into_a_message_that_is_handled_put_retried_dead_or_left(
    kind: str,
) -> None:
    """Q17"""
    tries = 0

    async def fail_often(_message: object) -> None:
        nonlocal tries
        tries += 1
        await asyncio.sleep(1)
        if tries % 3:
            raise Planned

    buried: list[object] = []

    async def bury(message: object, _error: BaseException, _attempts: int) -> None:
        buried.append(message)

    diary = Diary(fail_often)
    consumer = consumer_of(
        kind,
        diary,
        retry=ON_PLANNED,
        on_dead_letter=bury,
        maxsize=4,
        stopping_grace_period=3.5,
        **({"key": lambda _message: 1} if kind == "keyed" else {}),
    )
    messages = [Untouchable() for _ in range(20)]
    async with consumer:
        for message in messages:
            await consumer.put(message)
        consumer.pause()
        consumer.resume()
    found = [*diary.handled, *diary.left, *buried]
    assert sorted(map(id, found)) == sorted(map(id, messages))
    assert diary.handled
    assert buried
    assert account_of(consumer)["accepted"] == 20


async def test_nobody_looks_into_a_message_that_is_a_request_nor_into_its_answer() -> None:
    """Q17"""
    message = Untouchable()
    async with consumer_of("keyed", Diary(), key=lambda _message: 1) as consumer:
        assert await consumer.request(message) is message


@each_kind
@pytest.mark.parametrize("message", [0, "", [], {}, False], ids=repr)
async def test_a_falsy_message_is_a_message(kind: str, message: object) -> None:
    """Q18"""
    diary = Diary()
    options: dict[str, Any] = {"key": lambda _message: 0} if kind == "keyed" else {}
    async with consumer_of(kind, diary, **options) as consumer:
        consumer.send(message)
        await consumer.put(message)
    assert diary.handled == [message, message]


@each_kind
async def test_none_is_no_message_and_counts_nowhere(kind: str) -> None:
    """Q18"""
    diary = Diary()
    async with consumer_of(kind, diary, maxsize=4) as consumer:
        for _ in range(10):
            consumer.send(None)
            await consumer.put(None)
        consumer.send(1)
        await consumer.join()
        assert account_of(consumer) == {"accepted": 1, "handled": 1}
    assert diary.handled == [1]
