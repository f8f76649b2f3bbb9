"""Requests that cannot be made, or have to wait for room like any message."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ConsumerClosed, FluidValueError, QueueConsumerWorker, WorkerDeadlockError
from tests.scenarios.handling_cast import ALWAYS, Handler, Ledger, asked
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


async def test_a_handler_that_asks_its_own_consumer_would_wait_for_itself() -> None:
    async def handle(_message: str) -> None:
        await consumer.request("b")

    consumer = QueueConsumerWorker(handle, name="loop")
    async with consumer:
        with pytest.raises(WorkerDeadlockError, match="'loop'"):
            await consumer.request("a")
        assert consumer.is_ready()


async def test_none_cannot_be_asked_for() -> None:
    async with Handler(Ledger()) as consumer:
        with pytest.raises(FluidValueError, match="'consumer' cannot be asked for None"):
            await consumer.request(None)  # type: ignore[arg-type]
    assert consumer.worker_exit.account["accepted"] == 0


async def test_a_consumer_that_has_ended_refuses_at_once() -> None:
    async with Handler(Ledger()) as stopped:
        pass
    with pytest.raises(ConsumerClosed):
        await stopped.request("a")
    crashed = Handler(Ledger({"a": ALWAYS}))
    await crashed.startup()
    crashed.send("a")
    await end_of(crashed.wait_for_shutdown())
    with pytest.raises(ConsumerClosed, match="has ended"):
        await crashed.request("a")


async def test_a_request_waits_for_room_in_its_turn() -> None:
    """A caller that is cancelled there has sent nothing."""
    ledger = Ledger(takes=1)
    async with Handler(ledger, maxsize=1) as consumer:
        consumer.send("a")
        requests = [await asked(consumer, letter) for letter in "bcd"]
        requests[1].cancel()
        assert await requests[2] == "D"
        assert now() == 3
    assert ledger.handled == [*"abd"]
    assert consumer.worker_exit.account["accepted"] == 3


async def test_one_who_waits_for_room_is_told_when_the_consumer_stops() -> None:
    ledger = Ledger(takes=1)
    async with Handler(ledger, maxsize=1) as consumer:
        consumer.send("a")
        await asyncio.sleep(0.5)
        requests = [await asked(consumer, letter) for letter in "bc"]
    assert await requests[0] == "B"
    assert isinstance(await end_of(requests[1]), ConsumerClosed)
