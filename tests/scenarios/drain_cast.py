"""What the tests of draining share: a consumer of every kind, with one interface and a diary."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from fluid import (
    AsyncConsumer,
    Backoff,
    BatchConsumer,
    Mailbox,
    QueueConsumer,
    QueueConsumerWorker,
    Retry,
)
from fluid.dispatcher import AsyncDispatcher
from fluid.events import WorkerEvent
from tests.scenarios.cast import Planned

Work = Callable[[Any], Coroutine[Any, Any, object]]

AT_ONCE = Retry(on=Planned, attempts=3, backoff=Backoff(initial=0))
UNORDERED = Retry(on=Planned, attempts=3, backoff=Backoff(initial=0), keeps_order=False)

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "retrying": {"retry": AT_ONCE},
    "unordered": {"retry": UNORDERED},
    "limited": {"handler_timeout": 1000.0},
    "pool": {"concurrency": 4},
    "keyed": {"concurrency": 4, "key": lambda _message: None},
    "pool of keys": {"concurrency": 4, "key": id, "retry": AT_ONCE},
    "batch": {"size": 4, "age": 0.01},
    "dispatcher": {},
}
"""Each kind of consumer by its options, ``keyed`` with one key and ``pool of keys`` with many."""

each_kind = pytest.mark.parametrize("kind", KINDS)

SEVERAL_AT_ONCE = ("pool", "pool of keys", "batch")
"""Those that have several messages in hand, up to four."""


class Diary:
    """What a consumer did with its messages, and what it does for each of them.

    Args:
        work: What it does.
    """

    def __init__(self, work: Work | None = None) -> None:
        self.work = work
        self.began: list[Any] = []
        self.handled: list[Any] = []
        self.left: list[Any] = []
        self.events: list[WorkerEvent] = []

    async def handle(self, message: Any) -> Any:
        """Handles a message, which is the answer, too."""
        self.began.append(message)
        if self.work is not None:
            await self.work(message)
        self.handled.append(message)
        return message

    async def handle_all(self, messages: list[Any]) -> None:
        """Handles a batch, all of it or nothing."""
        self.began.extend(messages)
        if self.work is not None:
            tasks = [asyncio.ensure_future(self.work(message)) for message in messages]
            try:
                await asyncio.gather(*tasks)
            finally:  # which leaves the others alone
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
        self.handled.extend(messages)

    async def keep(self, messages: Sequence[Any]) -> None:
        """Takes what is left."""
        self.left.extend(messages)

    def heard(self, kind: type[WorkerEvent]) -> list[Any]:
        """Returns the events of that kind."""
        return [event for event in self.events if type(event) is kind]


class _Only(AsyncDispatcher[Any]):
    def event_type(self, _message: Any) -> str:
        return "message"


def consumer_of(
    kind: str, diary: Diary, *, keeps: bool = True, **options: Any
) -> QueueConsumer[Any]:
    """Returns a consumer of that kind, which keeps what is left unless told otherwise."""
    consumer: QueueConsumer[Any]
    given = {"name": "consumer", **KINDS[kind], **options}
    if kind == "batch":
        consumer = BatchConsumer(diary.handle_all, **given)
    elif kind == "dispatcher":
        dispatcher = _Only()
        dispatcher.register_handler("message", diary.handle)
        consumer = AsyncConsumer(dispatcher, **given)
    else:
        consumer = QueueConsumerWorker(diary.handle, **given)
    if keeps:
        consumer.on_undelivered = diary.keep  # type: ignore[method-assign]
    consumer.subscribe(diary.events.append)
    return consumer


def at_once(kind: str) -> int:
    """Returns how many messages a consumer of that kind has in hand at most."""
    return 4 if kind in SEVERAL_AT_ONCE else 1


def account_of(consumer: QueueConsumer[Any] | Mailbox[Any]) -> dict[str, int]:
    """Returns the account without its zeros; it adds up."""
    mailbox = consumer if isinstance(consumer, Mailbox) else consumer.worker_mailbox
    account = mailbox.account()
    assert account.adds_up, account
    return {name: number for name, number in account._asdict().items() if number}
