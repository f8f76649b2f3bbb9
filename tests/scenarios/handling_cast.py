"""What the scenarios with batches, retries and dead letters share: consumers that keep books.

Each message is a string, and its handler follows a plan: how often it fails before it succeeds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from fluid import (
    Account,
    Backoff,
    BatchConsumer,
    MessagesFailed,
    QueueConsumer,
    QueueConsumerWorker,
    Retry,
)
from fluid.events import WorkerEvent
from tests.scenarios.cast import Planned
from tests.worker.fakes import now

TAKES = 0.01
"""Seconds that a message, or a batch, is in hand."""

ALWAYS = 10**6
"""More failures than there are attempts."""

each_order = pytest.mark.parametrize("keeps_order", [True, False])


class Ledger:
    """What became of each message, as those who had it in hand know it.

    Args:
        fails: How often the handler fails with a message before it succeeds; 0 if not named.
        takes: Seconds that a message, or a batch, is in hand.
    """

    def __init__(self, fails: dict[str, int] | None = None, takes: float = TAKES) -> None:
        self.fails: dict[str, int] = fails or {}
        self.takes: float = takes
        self.calls: list[tuple[float, Any]] = []
        """When a handler began, and with what."""
        self.attempts: Counter[str] = Counter()
        self.handled: list[str] = []
        self.dead: list[tuple[str, str, int]] = []
        """The message, its error and its attempts, as the hook was given them."""
        self.left: list[str] = []
        self.events: list[WorkerEvent] = []

    async def try_(self, message: str) -> str:
        """Handles a message once."""
        self.calls.append((now(), message))
        await asyncio.sleep(self.takes)
        self.attempts[message] += 1
        if self.attempts[message] <= self.fails.get(message, 0):
            raise Planned(message)
        self.handled.append(message)
        return message.upper()

    async def try_batch(self, messages: list[str]) -> None:
        """Handles a batch once, and names those that failed."""
        self.calls.append((now(), [*messages]))
        await asyncio.sleep(self.takes)
        self.attempts.update(messages)
        errors: dict[int, Exception] = {}
        for place, message in enumerate(messages):
            if self.attempts[message] <= self.fails.get(message, 0):
                errors[place] = Planned(message)
            else:
                self.handled.append(message)
        if errors:
            raise MessagesFailed(errors)

    async def bury(self, message: str, error: BaseException, attempts: int) -> None:
        """Takes a dead letter."""
        await asyncio.sleep(self.takes)
        self.dead.append((message, type(error).__name__, attempts))

    @property
    def began(self) -> list[float]:
        """When handlers began, in seconds."""
        return [round(at, 6) for at, _ in self.calls]

    def assert_nothing_is_lost(self, consumer: QueueConsumer[str], sent: Iterable[str]) -> None:
        """Asserts that each message was handled, is dead, was handed back, or still waits."""
        mailbox = consumer.worker_mailbox
        found = mailbox.account()
        assert found.adds_up, found
        assert not found.in_hand, found
        waiting = [getattr(item, "message", item) for item in mailbox.messages]
        buried = [message for message, _, _ in self.dead]
        places = Counter([*self.handled, *buried, *self.left, *waiting])
        assert max(places.values(), default=0) <= 1, places
        unheard = Counter(sent) - places
        assert found.dead == len(buried) + unheard.total(), (found, self.dead, unheard)
        assert not places - Counter(sent)
        assert found.handled == len(self.handled)
        assert found.returned + found.dropped == len(self.left)


def looked_at(consumer: QueueConsumer[Any]) -> list[Account]:
    """Looks at the account after each step from now on, and returns what did not add up."""
    loop, wrong = asyncio.get_running_loop(), []
    once = loop._run_once

    def look() -> None:
        once()
        found = consumer.worker_mailbox.account()
        if not found.adds_up or min(found) < 0:
            wrong.append(found)

    loop._run_once = look
    return wrong


class Handler(QueueConsumerWorker[str]):
    """Handles messages by a ledger."""

    def __init__(self, ledger: Ledger, **options: Any) -> None:
        self.ledger = ledger
        super().__init__(**{"name": "consumer", **options})
        self.subscribe(ledger.events.append)

    async def on_message(self, message: str) -> str:
        return await self.ledger.try_(message)

    async def on_undelivered(self, messages: Sequence[str]) -> None:
        self.ledger.left.extend(messages)


class Batcher(BatchConsumer[str]):
    """Handles batches by a ledger."""

    def __init__(self, ledger: Ledger, **options: Any) -> None:
        self.ledger = ledger
        super().__init__(**{"name": "consumer", **options})
        self.subscribe(ledger.events.append)

    async def on_batch(self, messages: list[str]) -> None:
        await self.ledger.try_batch(messages)

    async def on_undelivered(self, messages: Sequence[str]) -> None:
        self.ledger.left.extend(messages)


def send_all(consumer: QueueConsumer[str], messages: Iterable[str]) -> None:
    """Sends them one after the other."""
    for message in messages:
        consumer.send(message)


def batches_of(ledger: Ledger) -> list[tuple[float, str]]:
    """Returns when each batch began, and its messages as one word."""
    return [(round(at, 6), "".join(batch)) for at, batch in ledger.calls]


def every(seconds: float, *, keeps_order: bool = True, **options) -> Retry:
    """Returns a retry whose waits are of one length."""
    backoff = Backoff(initial=seconds, factor=1, jitter=0)
    return Retry(backoff=backoff, keeps_order=keeps_order, **options)


async def asked(consumer: QueueConsumerWorker[str], message: str) -> asyncio.Task[str]:
    """Returns a task that has made its request."""
    request = asyncio.ensure_future(consumer.request(message))
    await asyncio.sleep(0)
    return request


def asking(consumer: QueueConsumer[str], messages: str) -> list[asyncio.Task[str]]:
    """Returns a caller for each letter."""
    mailbox = consumer.worker_mailbox
    return [asyncio.ensure_future(mailbox.request(message)) for message in messages]
