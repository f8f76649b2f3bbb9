"""How old the oldest message that waits is, by marks that are thinned out as they grow many."""

from __future__ import annotations

import asyncio

import pytest

from fluid import QueueConsumerWorker
from fluid.worker.consumers.meter import MARKS
from tests.worker.fakes import now

TAKES = 0.01


async def handle(number: int) -> None:
    await asyncio.sleep(TAKES)


@pytest.mark.parametrize("minutes", [0.1, 0.5])
async def test_the_age_of_the_oldest_message_is_as_right_in_a_long_backlog(minutes: float) -> None:
    """Messages come twice as fast as they are handled, so the oldest is half as old as the queue.

    When every other mark was forgotten, those of the distant past were soon all gone.
    """
    consumer = QueueConsumerWorker(handle)
    async with consumer:
        while now() < 60 * minutes:
            consumer.send(0)
            await asyncio.sleep(TAKES / 2)
        truth = now() / 2
        age = (await consumer.status())["handling"]["oldest_age"]
        assert truth - TAKES <= age <= truth + 4 * now() / MARKS + TAKES
        assert len(consumer._worker.mailbox.meter._marks) <= MARKS
        consumer.pause()
