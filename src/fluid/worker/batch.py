"""The batch loop of a consumer: several messages at once, when there are enough or it is time.

Until then they stay in the mailbox, where a crash finds them. The messages of a batch that failed
are tried again as a smaller batch, before any other.
"""

from __future__ import annotations

from itertools import repeat, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from ..clock import clock_of
from ..errors import FluidValueError, MessagesFailed
from ..tasks import pause
from .handling import Handling
from .plain import SLICE_MESSAGES, SLICE_SECONDS, Over, is_over, was_cancelled
from .request import Request, bare

if TYPE_CHECKING:
    from .life import Life
    from .mailbox import Mailbox


class Failure(NamedTuple):
    """A message of a batch that failed."""

    place: int
    """Its place in the batch."""
    item: Any
    error: BaseException
    """Why."""


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

    async def run(self) -> None:
        """Handles batches until a stop is asked for and nothing is left."""
        mailbox, life = self._mailbox, self._life
        now, meter, was_idle = clock_of(life.loop), mailbox.meter, True
        seen = held_since = now()
        left = SLICE_MESSAGES
        while not (life.stop_asked and is_over(mailbox, mailbox, life)):
            if not mailbox.messages or mailbox.is_paused:
                await mailbox.next_arrival(life.loop)
                seen, was_idle = now(), True
                continue
            if not self._is_due(seen):
                await mailbox.next_arrival(life.loop, until=seen + self._age)
                continue
            began = now()
            if was_idle:
                meter.woke_at, was_idle = seen, False
                held_since, left = began, SLICE_MESSAGES
            try:
                await self._handle(self._take())
            except Over:
                return
            finally:
                ended = now()
                meter.handled_for += ended - began
                meter.look(ended, mailbox.size(), mailbox.accepted())
            seen = began  # what has come meanwhile has waited since then at the most
            left -= self._size
            if left <= 0 or ended - held_since >= SLICE_SECONDS:
                await pause()
                held_since, left = now(), SLICE_MESSAGES

    def _is_due(self, seen: float) -> bool:
        life, waiting = self._life, len(self._mailbox.messages)
        return waiting >= self._size or life.stop_asked or life.loop.time() >= seen + self._age

    def _take(self) -> list[Any]:
        messages = self._mailbox.messages
        return list(starmap(messages.popleft, repeat((), min(self._size, len(messages)))))

    async def _handle(self, items: list[Any]) -> None:
        """Sees a batch through all its attempts."""
        mailbox, me = self._mailbox, object()
        attempts = 0
        mailbox.holders[me] = len(items)
        try:
            if mailbox.attend_at <= mailbox.handled:
                mailbox.attend()
            while items:
                attempts += 1
                items = await self._attempt(items, attempts)
                mailbox.holders[me] = len(items)
        finally:
            mailbox.release(me)

    async def _attempt(self, items: list[Any], attempts: int) -> list[Any]:
        """Tries to handle a batch; returns what is to be tried again, when it is time for that."""
        handling, mailbox = self._handling, self._mailbox
        try:
            await handling.call(self._bare(items))
        except Over:
            mailbox.put_back_all(items)
            raise
        except BaseException as error:
            if was_cancelled(error):
                mailbox.put_back_all(items)
                raise
            return await self._failed(items, error, attempts)
        self._done(items)
        return []

    def _bare(self, items: list[Any]) -> list[Any]:
        """Returns the messages in a list that belongs to the handler."""
        return [bare(item) for item in items] if self._mailbox.has_requests else items.copy()

    async def _failed(self, items: list[Any], error: BaseException, attempts: int) -> list[Any]:
        """Settles those that are done or dead; returns the others when it is time for them."""
        failures = self._failures(items, error)
        try:
            again, dead, due = self._sort(failures, attempts)
            await self._bury(again, dead, error, attempts)
        finally:
            failures.clear()
            del error
        if again and not await self._handling.wait_until(due):
            self._put_back(again)
            raise Over
        return [failure.item for failure in again]

    def _failures(self, items: list[Any], error: BaseException) -> list[Failure]:
        """Returns what has failed; settles the others."""
        if not isinstance(error, MessagesFailed):
            return [Failure(place, item, error) for place, item in enumerate(items)]
        if (beyond := max(error.errors)) >= len(items):
            wrong = FluidValueError(
                f"MessagesFailed names message {beyond} of a batch that has {len(items)}; "
                f"the first one is 0"
            )
            wrong.__cause__ = error
            return [Failure(place, item, wrong) for place, item in enumerate(items)]
        self._done([item for place, item in enumerate(items) if place not in error.errors])
        return [Failure(place, items[place], why) for place, why in sorted(error.errors.items())]

    def _sort(
        self, failures: list[Failure], attempts: int
    ) -> tuple[list[Failure], list[Failure], float]:
        """Returns what is to be tried again, what is dead, and when to try."""
        again: list[Failure] = []
        dead: list[Failure] = []
        longest = 0.0
        for failure in failures:
            wait = self._handling.wait_before_retry(failure.error, attempts)
            (dead if wait is None else again).append(failure)
            longest = max(longest, wait or 0.0)
        return again, dead, self._life.loop.time() + longest

    async def _bury(
        self, again: list[Failure], dead: list[Failure], error: BaseException, attempts: int
    ) -> None:
        """Sees to the dead ones; if that ends the consumer, the others go back."""
        mailbox = self._mailbox
        left = list(dead)
        try:
            while left:
                await self._handling.bury(left[0].item, left[0].error, attempts)
                del left[0]
        except BaseException as raised:
            if was_cancelled(raised):
                self._put_back([*left, *again])
                raise
            nobody_hears = raised is left[0].error
            lost = len(left) if nobody_hears else 1
            mailbox.dead += lost
            mailbox.meter.failed += lost
            self._put_back([*left[lost:], *again])
            if nobody_hears:
                raise error from error.__cause__  # the handler's own, not that of one message
            raise
        finally:
            left.clear()
            del error

    def _done(self, items: list[Any]) -> None:
        self._mailbox.handled += len(items)
        for item in items if self._mailbox.has_requests else ():
            if type(item) is Request:
                item.answer(None)

    def _put_back(self, failures: list[Failure]) -> None:
        in_order = sorted(failures, key=lambda failure: failure.place)
        self._mailbox.put_back_all([failure.item for failure in in_order])
