"""A consumer that waits for its restart when the stop comes: its messages are still handed back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fluid import ChildSpec, QueueConsumerWorker, Supervisor
from fluid.events import Fate, MessagesUndelivered, WorkerEvent
from tests.worker.group_cast import end_of


class BoomError(Exception):
    """What a handler raises."""


async def fail(message: int) -> None:
    raise BoomError(message)


class Keeper(QueueConsumerWorker[int]):
    """Takes back what it could not handle, in so many seconds."""

    takes: float = 0
    error: Exception | None = None

    def __init__(self) -> None:
        super().__init__(fail, name="keeper")
        self.kept: list[int] = []

    async def on_undelivered(self, messages: Sequence[int]) -> None:
        await asyncio.sleep(self.takes)
        if self.error is not None:
            raise self.error
        self.kept += messages


async def stopped_while_it_waits(consumer: QueueConsumerWorker[int], **options) -> list[Fate]:
    """Stops a supervisor while a consumer waits; returns what became of the messages, as told."""
    told: list[Fate] = []

    def hear(event: WorkerEvent) -> None:
        if isinstance(event, MessagesUndelivered) and event.fate is not Fate.WAITING:
            told.append(event.fate)

    app = Supervisor(consumer, name="app", **options)
    app.subscribe(hear)
    async with app:
        for number in range(4):
            consumer.send(number)
        await asyncio.sleep(0.1)
        assert [info.state for info in app.children()] == ["restarting"]
        assert consumer.queue_size() == 3
    return told


async def test_its_messages_go_to_on_undelivered_and_the_account_adds_up() -> None:
    """G18"""
    keeper = Keeper()
    assert await stopped_while_it_waits(keeper) == [Fate.RETURNED]
    assert keeper.kept == [1, 2, 3]
    account = keeper.worker_mailbox.account()
    assert (account.accepted, account.dead, account.returned) == (4, 1, 3)
    assert (account.queued, account.in_hand, account.dropped) == (0, 0, 0)


async def test_without_an_override_they_are_dropped_and_told_once() -> None:
    plain = QueueConsumerWorker(fail, name="plain")
    assert await stopped_while_it_waits(plain) == [Fate.DROPPED]
    assert plain.worker_mailbox.account().dropped == 3


async def test_it_has_the_cleanup_period_of_the_supervisor_which_is_in_its_bound() -> None:
    keeper = Keeper()
    keeper.takes = 3600
    loop = asyncio.get_running_loop()
    app = Supervisor(keeper, name="app")
    assert app.worker_stop_bound == keeper.worker_stop_bound + 3 * 1.0 + 5.0
    await app.startup()
    keeper.send(0)
    keeper.send(1)
    await asyncio.sleep(0.1)
    began = loop.time()
    assert isinstance(await end_of(app.shutdown()), TimeoutError)
    assert loop.time() - began == 5
    assert keeper.worker_mailbox.account().dropped == 1


async def test_its_error_is_that_of_the_supervisor() -> None:
    keeper = Keeper()
    keeper.error = BoomError("no disk")
    with pytest.raises(BoomError, match="no disk"):
        await stopped_while_it_waits(keeper)


async def test_a_supervisor_that_gives_up_hands_back_too() -> None:
    keeper = Keeper()
    app = Supervisor(ChildSpec(keeper), name="app", max_restarts=0)
    await app.startup()
    keeper.send(0)
    keeper.send(1)
    assert await end_of(app.wait_for_shutdown()) is not None
    assert keeper.kept == [1]


async def test_a_crash_whose_cleanup_is_not_over_when_the_stop_comes_is_no_fault_of_the_stop() -> (
    None
):
    class Slow(Keeper):
        async def on_shutdown(self) -> None:
            await asyncio.sleep(0.3)

    keeper = Slow()
    async with Supervisor(keeper, name="app"):
        for number in range(3):
            keeper.send(number)
        await asyncio.sleep(0.1)  # it has crashed, and cleans up
    assert keeper.kept == [1, 2]
    assert isinstance(keeper.worker_exit.exception, BoomError)
