"""The batch loop of a consumer: several messages at once, when there are enough or it is time.

Until then they stay in the mailbox, where a crash finds them. The messages of a batch that failed
are tried again as a smaller batch, before any other.
"""

from __future__ import annotations

from itertools import repeat, starmap
from math import inf
from typing import TYPE_CHECKING, Any

from ...clock import clock_of
from ...errors import FluidValueError, MessagesFailed
from ...tasks import pause
from .handling import Handling
from .plain import SLICE_MESSAGES, SLICE_SECONDS, Over, is_over, was_cancelled
from .request import Request, bare

if TYPE_CHECKING:
    from ..life import Life
    from .mailbox import Mailbox


class Batches:
    """The loop of one life of a consumer.

    Args:
        mailbox: Where the messages come from.
        handling: How a batch is handled.
        size: The most messages in a batch.
        age: Seconds that a message may wait for others to come.
    """

    def __init__(self, mailbox: Mailbox[Any], handling: Handling, size: int, age: float) -> None:
        self._mailbox: Mailbox[Any] = mailbox
        self._handling: Handling = handling
        self._life: Life = handling.life
        self._size: int = size
        self._age: float = age
        self._hand: list[Any] = []
        """The present batch; None in place of a message that is settled."""

    async def run(self) -> None:
        """Handles batches until a stop is asked for and nothing is left."""
        mailbox, life = self._mailbox, self._life
        now, meter, was_idle = clock_of(life.loop), mailbox.meter, True
        seen = held_since = now()
        left = SLICE_MESSAGES
        while not (life.stop_asked and is_over(mailbox, mailbox, life)):
            if not mailbox.messages:
                meter.woke_at = inf
                await mailbox.next_arrival(life.loop)
                meter.woke_at = seen = now()
                was_idle = True
                continue
            if mailbox.is_paused or not self._is_due(seen):
                mailbox.look(now())
                until = inf if mailbox.is_paused else seen + self._age
                await mailbox.next_arrival(life.loop, until)
                continue
            began = now()
            if was_idle:
                was_idle, held_since, left = False, began, SLICE_MESSAGES
            takes_all = len(mailbox.messages) <= self._size
            try:
                await self._handle(self._take())
            except Over:
                return
            finally:
                ended = now()
                meter.handled_for += ended - began
                left -= self._size
                gives_way = left <= 0 or ended - held_since >= SLICE_SECONDS
                if gives_way or takes_all:
                    mailbox.look(ended)
            if takes_all:
                seen = began  # what has come meanwhile has waited since then at the most
            if gives_way:
                await pause()
                held_since, left = now(), SLICE_MESSAGES

    def _is_due(self, seen: float) -> bool:
        life, waiting = self._life, len(self._mailbox.messages)
        return waiting >= self._size or life.stop_asked or life.loop.time() >= seen + self._age

    def _take(self) -> list[Any]:
        messages = self._mailbox.messages
        return list(starmap(messages.popleft, repeat((), min(self._size, len(messages)))))

    async def _handle(self, items: list[Any]) -> None:
        """Sees a batch through all its attempts; what is left when that is cut short goes back."""
        mailbox, self._hand = self._mailbox, items
        mailbox.holders[self] = len(items)
        attempts = 0
        try:
            if mailbox.attend_at <= mailbox.handled:
                mailbox.attend()
            while items := self._hand:
                attempts += 1
                try:
                    await self._handling.call(self._bare(items))
                except Over:
                    raise
                except BaseException as error:
                    if was_cancelled(error):
                        raise
                    await self._failed(error, attempts)
                    self._hand = self._left()
                else:
                    self._hand = []
                    self._done(items)
        finally:
            if self._hand and (left := self._left()):
                mailbox.put_back_all(left)
            self._hand = []
            mailbox.release(self)

    def _bare(self, items: list[Any]) -> list[Any]:
        """Returns the messages in a list that belongs to the handler."""
        return [bare(item) for item in items] if self._mailbox.has_requests else items.copy()

    async def _failed(self, error: BaseException, attempts: int) -> None:
        """Settles those that are done or dead; returns when it is time for the others."""
        error = self._checked(error)
        failures = self._failures(error)
        try:
            self._done([self._let_go(n) for n in range(len(self._hand)) if n not in failures])
            dead, due = self._sort(failures, attempts)
            await self._bury(dead, error, attempts)
            if self._left() and not await self._handling.wait_until(due):
                raise Over
        finally:
            failures.clear()
            del error

    def _checked(self, error: BaseException) -> BaseException:
        """Returns ``error``, or what is wrong with it."""
        size = len(self._hand)
        if isinstance(error, MessagesFailed) and (beyond := max(error.errors)) >= size:
            wrong = FluidValueError(
                f"MessagesFailed names message {beyond} of a batch that has {size}; "
                f"the first one is 0"
            )
            wrong.__cause__ = error
            return wrong
        return error

    def _failures(self, error: BaseException) -> dict[int, BaseException]:
        """Returns what has failed, by place, in order."""
        if isinstance(error, MessagesFailed):
            return dict(sorted(error.errors.items()))
        return dict.fromkeys(range(len(self._hand)), error)

    def _sort(
        self, failures: dict[int, BaseException], attempts: int
    ) -> tuple[dict[int, BaseException], float]:
        """Returns those that are dead, and when to try the others again."""
        dead: dict[int, BaseException] = {}
        longest = 0.0
        for place, why in failures.items():
            wait = self._handling.wait_before_retry(why, attempts)
            if wait is None:
                dead[place] = why
            else:
                longest = max(longest, wait)
        return dead, self._life.loop.time() + longest

    async def _bury(
        self, dead: dict[int, BaseException], error: BaseException, attempts: int
    ) -> None:
        """Sees to the dead ones, one by one, unless that ends the consumer."""
        handling = self._handling
        try:
            for place, why in dead.items():
                try:
                    await handling.bury(self._hand[place], why, attempts)
                except BaseException as raised:
                    if was_cancelled(raised):
                        raise
                    if handling.has_hook_for(why):
                        self._died({place: why})
                        raise
                    self._died(dead)
                    raise error from error.__cause__  # the handler's own, not that of one message
                self._let_go(place)
                self._mailbox.holders[self] -= 1
        finally:
            dead.clear()
            del error

    def _died(self, dead: dict[int, BaseException]) -> None:
        """Counts those among the dead that nobody has seen to, and tells who waits for them."""
        mailbox = self._mailbox
        for place, why in dead.items():
            item = self._let_go(place)
            if item is not None:
                mailbox.dead += 1
                mailbox.meter.failed += 1
                mailbox.holders[self] -= 1
                if type(item) is Request:
                    item.refuse(why)

    def _done(self, items: list[Any]) -> None:
        mailbox = self._mailbox
        mailbox.handled += len(items)
        mailbox.holders[self] -= len(items)
        for item in items if mailbox.has_requests else ():
            if type(item) is Request:
                item.answer(None)

    def _let_go(self, place: int) -> Any:
        """Returns a message of the batch that is not in hand any more; None if it was not."""
        item, self._hand[place] = self._hand[place], None
        return item

    def _left(self) -> list[Any]:
        """Returns what of the batch is still in hand."""
        return [item for item in self._hand if item is not None]
