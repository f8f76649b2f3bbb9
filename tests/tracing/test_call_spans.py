"""Spans around handlers, and around the calls of periodic workers."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.trace import SpanKind

from fluid import (
    AsyncConsumer,
    BatchConsumer,
    HandlerTypeError,
    PeriodicWorker,
    QueueConsumerWorker,
    every,
)
from fluid.rules.retry import Retry
from fluid.utils.dispatcher import AsyncDispatcher
from tests.tracing.tracing_cast import Spans, current, duration, errors_of, parent_of
from tests.worker.group_cast import end_of

KINDS = {
    "one by one": {},
    "several": {"concurrency": 3},
    "with a time limit": {"handler_timeout": 60},
    "by key": {"key": str},
    "with another try": {"retry": Retry(attempts=3)},
}
"""Ways in which a handler may be called."""


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
async def test_a_message_has_a_span_that_is_the_current_one_in_its_handler(spans: Spans, options):
    seen = []

    async def handle(message: int) -> None:
        await asyncio.sleep(message)
        seen.append(current())

    async with QueueConsumerWorker(handle, name="orders", **options) as consumer:
        consumer.send(1)
        consumer.send(2)
    assert seen == ["process orders"] * 2
    assert [duration(span) for span in spans.named("process orders")] == [1, 2]
    span = spans.named("process orders")[0]
    assert span.kind is SpanKind.CONSUMER
    assert span.status.is_unset
    assert span.attributes == {
        "fluid.worker": "orders",
        "messaging.system": "fluid",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
    }


async def test_each_message_is_a_trace_of_its_own(spans: Spans):
    with spans.provider.get_tracer("test").start_as_current_span("request"):
        async with QueueConsumerWorker(asyncio.sleep, name="orders") as consumer:
            consumer.send(0)
            consumer.send(0)
    messages = spans.named("process orders")
    assert [parent_of(span) for span in messages] == [None, None]
    assert len({span.get_span_context().trace_id for span in spans.all()}) == 3


async def test_each_attempt_has_a_span_with_its_own_error(spans: Spans):
    errors = [OSError("away"), ValueError("odd")]

    async def handle(message: int) -> None:
        if errors:
            raise errors.pop(0)

    async with QueueConsumerWorker(handle, name="orders", retry=Retry(attempts=3)) as consumer:
        consumer.send(1)
        await consumer.join()
    assert [errors_of(span) for span in spans.named("process orders")] == [
        ["OSError"],
        ["ValueError"],
        [],
    ]


async def test_a_handler_that_was_cancelled_has_not_failed(spans: Spans):
    consumer = QueueConsumerWorker(asyncio.sleep, name="orders", stopping_grace_period=1)
    async with consumer:
        consumer.send(3600)
    assert errors_of(spans.one("process orders")) == []


@pytest.mark.parametrize("kind", [QueueConsumerWorker, BatchConsumer])
async def test_a_handler_that_overran_its_time_has_failed(spans: Spans, kind):
    async def handle(_: object) -> None:
        assert current() == "process orders"
        await asyncio.sleep(3600)

    async def bury(*_: object) -> None: ...

    options = {"handler_timeout": 5, "on_dead_letter": bury}
    async with kind(handle, name="orders", **options) as consumer:
        consumer.send(1)
        await consumer.join()
    span = spans.one("process orders")
    assert errors_of(span) == ["fluid.errors.HandlerTimeoutError"]
    assert duration(span) == 5
    count = 1 if kind is BatchConsumer else None
    assert span.attributes.get("messaging.batch.message_count") == count


async def test_a_batch_has_one_span_that_says_how_many_there_are(spans: Spans):
    async def handle(messages: list[int]) -> None:
        assert current() == "process rows"

    async with BatchConsumer(handle, name="rows", size=2) as consumer:
        for number in range(3):
            consumer.send(number)
    counts = [s.attributes["messaging.batch.message_count"] for s in spans.named("process rows")]
    assert counts == [2, 1]


async def test_a_message_for_a_dispatcher_has_a_span(spans: Spans):
    class Names(AsyncDispatcher[str]):
        def event_type(self, message: str) -> str:
            return message

    async with AsyncConsumer(Names(), name="names") as consumer:
        consumer.send("Ada")
    assert spans.one("process names").kind is SpanKind.CONSUMER


async def test_a_request_is_answered_with_what_its_handler_returns(spans: Spans):
    async def double(number: int) -> int:
        return 2 * number

    async with QueueConsumerWorker(double, name="orders") as consumer:
        assert await consumer.request(21) == 42
    assert len(spans.named("process orders")) == 1


async def test_a_handler_that_is_no_async_function_is_still_explained(spans: Spans):
    consumer = QueueConsumerWorker(lambda message: None, name="orders")
    await consumer.startup()
    consumer.send(1)
    error = await end_of(consumer.wait_for_shutdown())
    assert isinstance(error, TypeError | HandlerTypeError)
    assert ["async def" in note for note in error.__notes__] == [True]


async def test_a_fire_has_a_span_with_its_error(spans: Spans):
    seen = []

    async def sweep() -> None:
        seen.append(current())
        await asyncio.sleep(2)
        if len(seen) == 2:
            raise OSError("full")

    async with PeriodicWorker(sweep, every(10), name="sweep", errors="continue"):
        await asyncio.sleep(15)
    first, second = spans.named("fire sweep")
    assert seen == ["fire sweep"] * 2
    assert (duration(first), parent_of(first), errors_of(first)) == (2, None, [])
    assert errors_of(second) == ["OSError"]


@pytest.mark.parametrize("moment", ["on_start", "on_end"])
async def test_a_processor_that_raises_does_not_keep_a_message_from_its_handler(
    spans: Spans, moment: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise OSError("full")

    handled = []

    async def handle(message: int) -> None:
        handled.append((message, current()))

    async with QueueConsumerWorker(handle, name="orders") as consumer:
        monkeypatch.setattr(spans.provider._active_span_processor, moment, fail)
        consumer.send(1)
        consumer.send(2)
    assert [message for message, _ in handled] == [1, 2]
    assert (await consumer.status())["messages"]["handled"] == 2
