"""A ledger of what becomes of each message, held against the account of its mailbox all along.

It is told by those who send and who handle. Before every step of a schedule it looks at the
mailbox, and the two have to agree, number by number and message by message.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fluid import Mailbox
from fluid.testing import Simulation
from fluid.testing.schedules.watched import IsOver, Layer
from fluid.worker.consumers.request import bare

FATES = ("handled", "dead", "returned", "dropped")

TOTALS: Counter[str] = Counter()
"""What all scenarios of this process came to: runs, messages, and what became of those."""


class Ledger:
    """What has become of each message of one mailbox.

    Args:
        sim: The run.
        mailbox: The mailbox.
        has_hook: Whether there is a dead-letter hook: then it says who is dead, not the handler.
        slack: How many may have ended in a handler whose loop has not taken a step since.
    """

    def __init__(
        self,
        sim: Simulation,
        mailbox: Mailbox[int],
        *,
        name: str = "",
        has_hook: bool = False,
        slack: int = 0,
    ) -> None:
        self.sim, self.mailbox, self.name = sim, mailbox, name
        self.has_hook, self.slack = has_hook, slack
        self.accepted: set[int] = set()
        self.handled: set[int] = set()
        self.dead: set[int] = set()
        self.returned: set[int] = set()
        self.dropped: set[int] = set()
        self.in_hand: dict[int, asyncio.Task[Any] | None] = {}
        self.asked: set[int] = set()
        """Requests whose caller still waits."""
        self.failed: set[int] = set()
        """Those of them that have failed: whether it was for the last time, only the caller knows.
        """
        self.deaf: set[int] = set()
        """Messages whose handler ignores being cancelled, and may end when all is over."""
        self.wrongs: list[str] = []
        """What cannot be, and was seen where an error would end in a hook."""

    def fate_of(self, message: int) -> str | None:
        """Returns what has become of a message, if it is settled."""
        return next((fate for fate in FATES if message in getattr(self, fate)), None)

    def settle(self, fate: str, message: int) -> None:
        """Notes what has become of a message: once, unless its handler was deaf."""
        before = self.fate_of(message)
        if before is not None:
            if message not in self.deaf or before != "handled" != fate:
                self.wrongs.append(f"{message} was {before}, and now it is {fate}")
            if fate == "handled":
                return
            getattr(self, before).remove(message)
        self.accepted.add(message)
        getattr(self, fate).add(message)

    @contextmanager
    def hand(self, *messages: int) -> Iterator[None]:
        """Has messages in hand: nobody else may have them."""
        for message in messages:
            if message in self.deaf:  # it was left alone, ended, and its hook was cancelled
                self.handled.discard(message)
            elif message in self.in_hand or self.fate_of(message):
                self.wrongs.append(f"{message} is {self.fate_of(message)}, and is begun again")
            self.in_hand[message] = asyncio.current_task()
        try:
            yield
        finally:
            for message in messages:
                self.in_hand.pop(message, None)

    def fail(self, message: int) -> None:
        """Notes that a handler has raised: the end of its message, if nobody else hears of it."""
        if not self.has_hook:
            self.settle("dead", message)
        elif message in self.asked:
            self.failed.add(message)

    def waiting(self) -> list[int]:
        """Returns what waits in the deque, in the inbox, and sorted by key or by time."""
        mailbox = self.mailbox
        sorted_ones = [parcel.item for parcel in mailbox.parcels]
        return [bare(item) for item in (*mailbox.messages, *mailbox.inbox, *sorted_ones)]

    def check(self, *, at_the_end: bool = False) -> None:
        """Asserts that mailbox and ledger agree, as far as they can at any moment."""
        account, waiting = self.mailbox.account(), self.waiting()
        unique = set(waiting)
        self.accepted |= self.asked & unique
        if self.deaf:  # one that went back to the queue has ended in vain
            self.handled -= self.deaf.intersection(map(bare, self.mailbox.messages))
        doubt = 0 if at_the_end else self.slack + len(self.failed & self.asked - self.dead)
        fates: list[set[int]] = [getattr(self, fate) for fate in FATES]
        unsettled = len(self.accepted) - sum(map(len, fates))
        differences = [
            len(found) - getattr(account, fate) for fate, found in zip(FATES, fates, strict=True)
        ]
        self._hold("the account adds up", account.adds_up and min(account) >= 0)
        self._hold("nobody saw what cannot be", not self.wrongs)
        self._hold("nothing waits twice", len(unique) == len(waiting))
        self._hold("all that waits was accepted", unique <= self.accepted)
        self._hold("all that was accepted is counted", account.accepted == len(self.accepted))
        self._hold("nothing that is settled waits", doubt or all(map(unique.isdisjoint, fates)))
        self._hold("what is settled is counted", max(map(abs, differences)) <= doubt)
        open_ones = account.queued + account.in_hand
        self._hold("what is not settled is there", abs(open_ones - unsettled) <= doubt)
        self._hold("what is queued waits", account.queued <= len(waiting) <= open_ones)

    def _hold(self, rule: str, is_so: object) -> None:
        assert is_so, f"{self.name}not so: {rule}; {self.mailbox.account()}, {vars(self)}"

    def check_at_the_end(self) -> None:
        """Asserts that every message is in exactly one place, and none in hand."""
        self.check(at_the_end=True)
        places = [*self.waiting(), *(m for fate in FATES for m in getattr(self, fate))]
        assert sorted(places) == sorted(self.accepted), vars(self)
        assert not self.in_hand, vars(self)
        assert not self.mailbox.account().in_hand, vars(self)
        assert not self.mailbox.parcels, "a consumer that has ended has kept some to itself"
        TOTALS.update(self.mailbox.account()._asdict())


class Checking(Layer):
    """Looks before every step."""

    def __init__(self, queue: Any, is_over: IsOver, look: Callable[[], None]) -> None:
        super().__init__(queue, is_over)
        self._look: Callable[[], None] | None = look

    def popleft(self) -> asyncio.Handle:
        """Takes the one that runs next, after a look; after one that failed, without."""
        if self._look is not None:
            look, self._look = self._look, None
            look()
            self._look = look
        return super().popleft()


@contextmanager
def checked_at_every_step(sim: Simulation, *ledgers: Ledger) -> Iterator[None]:
    """Checks ledgers before every step inside the block."""

    def look() -> None:
        for ledger in ledgers:
            ledger.check()

    queue = sim.loop._ready
    sim.loop.watch(Checking(queue, sim.is_over, look))
    try:
        yield
    finally:
        sim.loop.watch(queue)
