"""What the scenarios with pools share: books for several hands, kept by key and in order."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from fluid import Backoff, Mailbox, QueueConsumerWorker, Retry
from fluid.events import HandlerAbandoned, WorkerEvent
from fluid.worker.consumers.request import bare
from tests.scenarios.cast import Planned
from tests.scenarios.message_cast import TAKES, Books

PLACES = 3
"""How many messages these pools handle at once."""

SOON = Backoff(initial=TAKES, factor=1, jitter=0)


def key_of(message: str) -> str:
    """Returns the key of a message, which is its letter; what follows is its number."""
    return message[0]


class Hands(Books):
    """What became of each message, where several are in hand at once."""

    def __init__(self, mailbox: Mailbox[str]) -> None:
        super().__init__(mailbox)
        self.in_hand: dict[str, asyncio.Future[None]] = {}
        self.began: list[str] = []
        self.keys_in_hand: Counter[str] = Counter()
        self.most = self.most_of_a_key = 0
        self.fails: Counter[str] = Counter()
        """How often each message has still to fail."""

    async def handle(self, message: str) -> None:
        """Takes its time, unless it is broken or cancelled meanwhile; fails if it has to."""
        loop = asyncio.get_running_loop()
        self.in_hand[message] = future = loop.create_future()
        self.began.append(message)
        key = key_of(message)
        self.keys_in_hand[key] += 1
        self.most = max(self.most, len(self.in_hand))
        self.most_of_a_key = max(self.most_of_a_key, self.keys_in_hand[key])
        timer = loop.call_later(TAKES, lambda: future.done() or future.set_result(None))
        try:
            await future
            if self.fails[message]:
                self.fails[message] -= 1
                raise OSError(message)
        except Planned:
            self.settle(self.dead, message)
            raise
        else:
            self.settle(self.handled, message)
        finally:
            timer.cancel()
            self.keys_in_hand[key] -= 1
            del self.in_hand[message]

    def break_(self) -> None:
        """Makes the handler that began first raise."""
        for future in [*self.in_hand.values()][:1]:
            if not future.done():
                future.set_exception(Planned("handler"))
                future.exception()

    def revive(self, message: str) -> None:
        """Takes back that a message is dead: whoever was to hear of it was cancelled."""
        self.dead.remove(message)
        self.settled.remove(message)

    @property
    def left(self) -> list[str]:
        """What still waits."""
        return [bare(item) for item in (*self.mailbox.messages, *self.mailbox.inbox)]

    def check(self) -> None:
        """Asserts what is true before every step."""
        account = self.mailbox.account()
        assert account.adds_up, account
        assert min(account) >= 0, account
        waiting = Counter([*self.left, *(bare(each.item) for each in self.mailbox.parcels)])
        assert max(waiting.values(), default=1) == 1, waiting

    def assert_nothing_is_lost(self, *, in_order: bool = False) -> None:
        """Asserts that every message is in one place; in order means that of each key."""
        super().assert_nothing_is_lost(in_order=False)
        if in_order:
            assert by_key([*self.settled, *self.left]) == by_key(self.accepted), vars(self)


def by_key(messages: Sequence[str]) -> dict[str, list[str]]:
    """Returns the messages of each key, in order."""
    found = defaultdict(list)
    for message in messages:
        found[key_of(message)].append(message)
    return found


class Pooled(QueueConsumerWorker[str]):
    """A pool that keeps books."""

    def __init__(self, books: Hands | None = None, **options: Any) -> None:
        super().__init__(**{"name": "pool", "concurrency": PLACES, **options})
        self.books = books or Hands(self.worker_mailbox)
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def on_message(self, message: str) -> None:
        await self.books.handle(message)

    async def on_undelivered(self, messages: Sequence[str]) -> None:
        await self.books.take_back(messages)

    def send_all(self, messages: str) -> None:
        """Sends messages, which are written with blanks between them, and writes it down."""
        for message in messages.split():
            self.send(message)
            self.books.accepted.append(message)

    @property
    def stragglers(self) -> int:
        """How many handlers were left alone."""
        return sum(isinstance(event, HandlerAbandoned) for event in self.events)


def options_of(kind: str) -> dict[str, Any]:
    """Returns the options of a kind of pool."""
    again = Retry(OSError, attempts=3, backoff=SOON)
    return {
        "bare": {},
        "keyed": {"key": key_of},
        "retrying": {"retry": again},
        "all": {"key": key_of, "retry": again, "handler_timeout": 50 * TAKES},
    }[kind]
