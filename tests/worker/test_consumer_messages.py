"""What consumers say: each message names its subject, the value, and the way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from fluid import (
    AsyncConsumer,
    BatchConsumer,
    ConsumerClosed,
    FluidValueError,
    MailboxFull,
    MessagesFailed,
    QueueConsumerWorker,
    Retry,
)
from fluid.utils.dispatcher import AsyncDispatcher


class Words(AsyncDispatcher[str]):
    def event_type(self, message: str) -> str:
        return message


async def handle(message: object) -> None:
    pass


async def hang(message: object) -> None:
    await asyncio.Event().wait()


async def refuse(message: object) -> None:
    raise ValueError(message)


@pytest.mark.parametrize("kind", [QueueConsumerWorker, BatchConsumer])
def test_a_missing_handler_says_where_it_may_be_written(kind: Any) -> None:
    with pytest.raises(FluidValueError, match="give it one, or write a method of that name"):
        kind()


def test_an_async_key_is_refused() -> None:
    with pytest.raises(FluidValueError, match="key of consumer 'mailer' is an async function"):
        QueueConsumerWorker(handle, name="mailer", concurrency=2, key=handle)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"concurrency": 2}, {"key": str}])
def test_a_batch_consumer_has_neither_places_nor_keys(options: dict[str, Any]) -> None:
    with pytest.raises(FluidValueError, match="'rows' handles one batch at a time"):
        BatchConsumer(handle, name="rows", **options)


def test_a_mailbox_is_a_mailbox() -> None:
    with pytest.raises(FluidValueError, match="mailbox of consumer 'mailer' is not a Mailbox: <"):
        QueueConsumerWorker(handle, name="mailer", mailbox=asyncio.Queue())  # type: ignore[arg-type]


def test_a_class_of_dispatchers_is_no_dispatcher() -> None:
    with pytest.raises(FluidValueError, match=r"a class of dispatchers; make one:  Words\(\)"):
        AsyncConsumer(Words, name="words")  # type: ignore[arg-type]


async def test_a_key_that_is_not_hashable_is_shown() -> None:
    def as_list(message: object) -> Any:
        return [message]

    consumer = QueueConsumerWorker(handle, concurrency=2, key=as_list)
    consumer.send(7)
    with pytest.raises(TypeError) as caught:
        async with consumer:
            await asyncio.sleep(1)
    assert caught.value.__notes__ == ["the key of a message has to be hashable: [7]"]


async def test_a_plain_on_undelivered_is_told_to_be_async() -> None:
    class Plain(QueueConsumerWorker[int]):
        def on_undelivered(self, messages: Sequence[int]) -> None:  # type: ignore[override]
            pass

    consumer = Plain(hang, stopping_grace_period=0)
    await consumer.startup()
    consumer.send(7)
    with pytest.raises(TypeError) as caught:
        await consumer.shutdown()
    assert "on_undelivered() has to be a function written with  async def" in caught.value.__notes__


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "with 1 message left; it is lost"), (2, "with 2 messages left; they are lost")],
)
async def test_what_is_lost_is_counted_in_plain_english(
    count: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = QueueConsumerWorker(hang, stopping_grace_period=0)
    await consumer.startup()
    for number in range(count):
        consumer.send(number)
    with caplog.at_level(logging.WARNING):
        await consumer.shutdown()
    assert any(record.getMessage().endswith(said) for record in caplog.records)


@pytest.mark.parametrize(("count", "said"), [(1, "1 message waits"), (2, "2 messages wait")])
async def test_what_waits_is_counted_in_plain_english(count: int, said: str) -> None:
    consumer = QueueConsumerWorker(refuse, maxsize=count + 1)
    for number in range(count + 1):
        consumer.send(number)
    with pytest.raises(MailboxFull, match=f"{count + 1} messages wait;"):
        consumer.send("too many")
    await consumer.startup()
    with pytest.raises(ConsumerClosed, match=f"has ended; {said} for another consumer"):
        await consumer.join()


def test_a_mailbox_for_one_is_full_with_one_message() -> None:
    consumer = QueueConsumerWorker(handle, maxsize=1)
    consumer.send(1)
    with pytest.raises(MailboxFull, match="is full: 1 message waits; "):
        consumer.send(2)


def test_failures_of_a_batch_are_counted_in_plain_english() -> None:
    error = ValueError("empty")
    assert str(MessagesFailed({3: error})).startswith("1 message of a batch failed; message 3: ")
    assert str(MessagesFailed({3: error, 4: error})).startswith("2 messages of a batch failed; ")


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_a_plain_function_ends_the_consumer_with_a_lesson_however_patient_that_is(
    concurrency: int,
) -> None:
    def handle(_: int) -> None: ...

    async def hear(*_: object) -> None: ...

    consumer = QueueConsumerWorker(
        handle,  # type: ignore[arg-type]
        concurrency=concurrency,
        retry=Retry(),
        on_dead_letter=hear,
    )
    consumer.send(1)
    with pytest.raises(TypeError) as caught:
        async with consumer:
            await consumer.wait_for_shutdown()
    assert "async def" in caught.value.__notes__[0]
    assert asyncio.get_running_loop().time() == 0
