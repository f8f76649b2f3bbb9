"""A loop of a pool whose handler returns when it is cancelled takes no more messages.

The handler has spent the cancel, so nothing but the pool itself can keep its loop from going on.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from fluid import QueueConsumerWorker, Supervisor, WorkerState
from tests.worker.fakes import now


class Obedient(QueueConsumerWorker[int]):
    """Its handlers take for ever, and return at once when they are cancelled."""

    def __init__(self, **options) -> None:
        super().__init__(concurrency=3, **options)
        self.begun: list[int] = []

    async def on_message(self, number: int) -> None:
        self.begun.append(number)
        if number == 0:
            await self.first()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1e6)

    async def first(self) -> None:
        """What happens in the first one before."""


class Failing(Obedient):
    async def first(self) -> None:
        await asyncio.sleep(1)
        raise ValueError


async def test_the_loops_of_a_pool_that_is_cut_short_by_the_grace_begin_nothing_new() -> None:
    consumer = Obedient(stopping_grace_period=1)
    await consumer.startup()
    for number in range(9):
        consumer.send(number)
    await consumer.shutdown()
    assert now() == 1
    assert consumer.begun == [0, 1, 2]
    assert consumer.worker_exit.account["handled"] == 3
    assert consumer.worker_state is WorkerState.FORCE_STOPPED
    assert not consumer.worker_exit.abandoned


async def test_the_loops_of_a_pool_in_which_one_has_failed_begin_nothing_new() -> None:
    consumer = Failing()
    await consumer.startup()
    for number in range(9):
        consumer.send(number)
    with pytest.raises(ValueError):
        await consumer.wait_for_shutdown()
    assert now() == 1
    assert consumer.begun == [0, 1, 2]
    account = consumer.worker_exit.account
    assert (account["handled"], account["dead"], account["queued"]) == (2, 1, 6)


async def test_a_pool_that_is_restarted_leaves_what_waits_to_its_next_incarnation() -> None:
    async def handle(number: int) -> None:
        await asyncio.sleep(1)

    pool = QueueConsumerWorker(handle, concurrency=2, name="pool")
    async with Supervisor(pool) as supervisor:
        for number in range(8):
            pool.send(number)
        await asyncio.sleep(0.5)
        await supervisor.restart_child("pool")
        assert now() == 1
        assert pool.queue_size() == 6


async def test_the_status_of_a_consumer_that_nobody_has_sent_anything_is_all_zeros() -> None:
    async with Obedient() as consumer:
        handling = (await consumer.status())["handling"]
        assert not any(handling.values())
        consumer.pause()
        consumer.send(1)
        assert (await consumer.status())["handling"]["seconds_waited"] == 0
