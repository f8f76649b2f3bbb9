"""What the scenarios about messages share: books beside the account, and who keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fluid import Account, ConsumerClosed, Mailbox, QueueConsumer, QueueConsumerWorker
from fluid.testing import Simulation
from tests.scenarios.cast import Planned

TAKES = 0.01
"""Seconds that a message is in hand."""


class Books:
    """What became of each message of one mailbox, in order."""

    def __init__(self, mailbox: Mailbox[str]) -> None:
        self.mailbox = mailbox
        self.accepted: list[str] = []
        self.settled: list[str] = []
        self.handled: list[str] = []
        self.dead: list[str] = []
        self.given: list[str] = []
        self.were_taken = True
        self._breaks: asyncio.Future[None] | None = None

    async def deliver(self, *messages: str) -> None:
        """Puts messages in, until the mailbox is closed."""
        for message in messages:
            try:
                await self.mailbox.put(message)
            except ConsumerClosed:
                return
            self.accepted.append(message)

    async def handle(self, message: str) -> None:
        """Takes its time, unless it is broken or cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        self._breaks = future = loop.create_future()
        timer = loop.call_later(TAKES, lambda: future.done() or future.set_result(None))
        try:
            await future
        except Planned:
            self.settle(self.dead, message)
            raise
        finally:
            timer.cancel()
        self.settle(self.handled, message)

    def break_(self) -> None:
        """Makes the handler of the message in hand raise."""
        if self._breaks is not None and not self._breaks.done():
            self._breaks.set_exception(Planned("handler"))
            self._breaks.exception()  # a cancel in the same step keeps the handler from looking

    async def take_back(self, messages: Sequence[str]) -> None:
        """Takes what was left, if it is given the time."""
        for message in messages:
            self.settle(self.given, message)
        self.were_taken = False
        await asyncio.sleep(TAKES)
        self.were_taken = True

    def settle(self, fate: list[str], message: str) -> None:
        """Notes what became of a message."""
        fate.append(message)
        self.settled.append(message)

    @property
    def left(self) -> list[str]:
        """What still waits."""
        return [*self.mailbox.messages, *self.mailbox.inbox]

    def assert_nothing_is_lost(self, *, in_order: bool = True) -> None:
        """Asserts that every message is in one place, and that the mailbox says the same."""
        found = [*self.settled, *self.left]
        assert sorted(found) == sorted(self.accepted), vars(self)
        assert found == self.accepted or not in_order, vars(self)
        given = len(self.given)
        assert self.mailbox.account() == Account(
            accepted=len(self.accepted),
            handled=len(self.handled),
            dead=len(self.dead),
            dropped=0 if self.were_taken else given,
            returned=given if self.were_taken else 0,
            queued=len(self.left),
            in_hand=0,
        )


class Plain(QueueConsumerWorker[str]):
    """Is given its messages by fluid's own loop."""

    def __init__(self, books: Books | None = None, **options) -> None:
        super().__init__(self._handle, **{"name": "consumer", **options})
        self.books = books or Books(self.worker_mailbox)

    async def _handle(self, message: str) -> None:
        await self.books.handle(message)

    async def on_undelivered(self, messages: Sequence[str]) -> None:
        await self.books.take_back(messages)


class Taking(QueueConsumer[str]):
    """Takes its messages itself."""

    def __init__(self, books: Books | None = None, **options) -> None:
        super().__init__(**{"name": "consumer", **options})
        self.books = books or Books(self.worker_mailbox)

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            message = await self.get_message(timeout=0.02)
            if message is not None:
                await self.books.handle(message)

    async def on_undelivered(self, messages: Sequence[str]) -> None:
        await self.books.take_back(messages)


def delivering(sim: Simulation, books: Books, *parcels: str) -> list[asyncio.Task[None]]:
    """Returns a producer for each parcel, a message a letter; any of them may be cancelled."""
    producers = [asyncio.ensure_future(books.deliver(*parcel)) for parcel in parcels]
    for parcel, producer in zip(parcels, producers, strict=True):
        sim.offer(f"cancel the producer of {parcel}", producer.cancel)
    return producers


async def all_ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits until nobody has anything to wait for any more."""
    _, waiting = await asyncio.wait(tasks, timeout=100)
    assert not waiting
    await asyncio.gather(*tasks, return_exceptions=True)
