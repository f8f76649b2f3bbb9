"""Consumers for tests, which keep what they were given and say what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf

from fluid import Mailbox, QueueConsumer, QueueConsumerWorker
from fluid.events import MessagesUndelivered, WorkerEvent

Handler = Callable[[object], Awaitable[None]]


class Recorder(QueueConsumerWorker[object]):
    """Keeps what was handled, and counts what was left."""

    def __init__(self, handler: Handler | None = None, **options) -> None:
        super().__init__(self._handle, **{"name": "recorder", **options})
        self.handler = handler
        self.handled: list[object] = []
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def _handle(self, message: object) -> None:
        if self.handler is not None:
            await self.handler(message)
        self.handled.append(message)

    @property
    def reports(self) -> list[MessagesUndelivered]:
        """What was said of undelivered messages."""
        return [event for event in self.events if isinstance(event, MessagesUndelivered)]


class Keeper(Recorder):
    """Takes what is left."""

    def __init__(self, handler: Handler | None = None, **options) -> None:
        super().__init__(handler, **options)
        self.kept: list[object] = []

    async def on_undelivered(self, messages: Sequence[object]) -> None:
        self.kept.extend(messages)


class Taker(QueueConsumer[object]):
    """Takes its messages by ``get_message()``, as the documented idiom does."""

    def __init__(self, handler: Handler | None = None, **options) -> None:
        super().__init__(**{"name": "taker", **options})
        self.handler = handler
        self.handled: list[object] = []

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            message = await self.get_message()
            if message is not None:
                if self.handler is not None:
                    await self.handler(message)
                self.handled.append(message)


def account(consumer: QueueConsumer[object] | Mailbox[object], **expected: int) -> None:
    """Asserts that the account adds up, and that all that is not named in it is zero."""
    mailbox = consumer if isinstance(consumer, Mailbox) else consumer.worker_mailbox
    found = mailbox.account()
    assert found.adds_up, found
    assert {name: count for name, count in found._asdict().items() if count} == expected


async def hang(_message: object) -> None:
    """Handles a message for ever."""
    await asyncio.sleep(inf)


def taking(seconds: float) -> Handler:
    """Returns a handler that takes so many seconds."""

    async def handle(_message: object) -> None:
        await asyncio.sleep(seconds)

    return handle


def task_of(consumer: QueueConsumer[object]) -> asyncio.Task[None]:
    """Returns the task of a consumer that has begun."""
    life = consumer._worker.life
    assert life is not None
    assert life.task is not None
    return life.task


def bury(task: asyncio.Task[None]) -> None:
    """Ends a task whose loop is closed without a word about it."""
    task.get_coro().close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


class Untouchable:
    """A message that minds being looked at."""

    def _refuse(self, *_others: object) -> bool:
        raise AssertionError("somebody looked into a message")

    __eq__ = __lt__ = __gt__ = __bool__ = __len__ = __hash__ = _refuse
