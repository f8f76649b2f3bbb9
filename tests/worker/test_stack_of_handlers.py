"""What a consumer waits for is the line in its handler, in whichever task that runs."""

from __future__ import annotations

import asyncio

import pytest

from fluid import AsyncConsumer, QueueConsumerWorker
from fluid.events import WorkerCancelledByForce
from fluid.utils.dispatcher import AsyncDispatcher


class OneType(AsyncDispatcher[int]):
    def event_type(self, message: int) -> str:
        return "any"


async def stubborn(number: int) -> None:
    await asyncio.sleep(1e6)


async def quick(number: int) -> None:
    pass


def dispatching(**options) -> AsyncConsumer[int]:
    dispatcher = OneType()
    dispatcher.register_handler("any.quick", quick)
    dispatcher.register_handler("any.stubborn", stubborn)
    return AsyncConsumer(dispatcher, **options)


def consuming(**options) -> QueueConsumerWorker[int]:
    return QueueConsumerWorker(stubborn, **options)


@pytest.mark.parametrize("make", [consuming, dispatching])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"concurrency": 3},
        {"handler_timeout": 100},
        {"concurrency": 3, "handler_timeout": 100, "key": int},
    ],
)
async def test_a_consumer_that_is_cancelled_says_where_its_handler_was(make, options) -> None:
    consumer = make(stopping_grace_period=1, **options)
    stacks: list[tuple[str, ...]] = []

    def note(event: object) -> None:
        if isinstance(event, WorkerCancelledByForce):
            stacks.append(event.stack)

    consumer.subscribe(note)
    await consumer.startup()
    consumer.send(1)
    await consumer.shutdown()
    (stack,) = stacks
    assert [place for place in stack if place.endswith(" in stubborn")]
