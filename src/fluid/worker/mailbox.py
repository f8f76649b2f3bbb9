"""The queue in front of a consumer: what producers hold, and what outlives the consumer's lives.

The messages themselves are in one deque that only the consumer's thread touches, without a lock.
Other threads put theirs into an inbox behind a lock, from where the loop fetches them. How messages
are handled is the business of the loops (``plain.py``); here they come in, wait, and are counted.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import ConsumerClosed, FluidError, FluidValueError, MailboxFull, WrongLoopError
from ..settings import duration
from .account import Account

if TYPE_CHECKING:
    from .core import Core

M = TypeVar("M")


class Mailbox(Generic[M]):
    """Holds the messages that a consumer has accepted and not yet handled.

    ``None`` is not a message but a wake-up: it makes a waiting ``get_message()`` return.

    Args:
        maxsize: The most messages that may wait; 0 for no limit.

    Raises:
        FluidValueError: If ``maxsize`` is not a whole number, zero or more.
    """

    def __init__(self, *, maxsize: int = 0) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 0:
            raise FluidValueError(
                f"maxsize of a mailbox is not a whole number, zero or more: {maxsize!r}"
            )
        self.maxsize = maxsize
        self.messages: deque[M] = deque()
        """What waits, first in first out. Only the consumer's own thread may touch it."""
        self.in_hand = 0
        self.handled = 0
        self.dead = 0
        self.dropped = 0
        self.returned = 0
        self.attention = False
        """Whether somebody waits for room or for the end of the queue: see :meth:`attend`."""

        self._name = "mailbox"
        self._consumers: list[Core] = []
        self._thread: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._open_room = 0
        """How long the deque may get by the short way in; 0 sends everybody the long way."""
        self._accepted = 0
        self._getters: deque[asyncio.Future[None]] = deque()
        self._nudged = False
        self._putters: deque[asyncio.Future[None]] = deque()
        self._promised = 0
        self._joiners: list[tuple[int, asyncio.Future[None]]] = []

        # Reentrant, because a signal handler may ask for a stop while its own thread is in here.
        self._lock = threading.RLock()
        self._inbox: list[M] = []
        self._inbox_accepted = 0
        self._fetching = False
        self._room_freed = threading.Condition(self._lock)
        self._blocked_threads = 0

    # --- for producers ---------------------------------------------------------------------------

    def send(self, message: M | None) -> None:
        """Accepts ``message`` at once. From any thread.

        Raises:
            MailboxFull: If there is no room; ``put()`` waits for some.
            ConsumerClosed: If no more messages are accepted.
        """
        if get_ident() == self._thread and len(self.messages) < self._open_room:
            if message is not None:
                self.messages.append(message)
                self._accepted += 1
            else:
                self._nudged = True
            if self._getters:
                self._wake_getter()
            return
        self._send_the_long_way(message)

    async def put(self, message: M | None) -> None:
        """Accepts ``message`` as soon as there is room, first come first served.

        Raises:
            ConsumerClosed: If no more messages are accepted, also while it waits.
            WrongLoopError: If awaited on another loop than the consumer's; a thread has
                ``put_threadsafe()``.

        Cancellation: Safe; the message was not accepted.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not None and loop is not self._loop:
            raise WrongLoopError(
                f"put() to {self._name} was awaited on {loop!r}, but it lives on {self._loop!r}; "
                f"from another thread use put_threadsafe()"
            )
        if message is not None and (self._putters or not self._room()):
            await self._wait_for_room(loop)
            self._promised -= 1
        self.send(message)

    def put_threadsafe(self, message: M | None, timeout: float | None = None) -> None:
        """Blocks the calling thread until there is room for ``message``.

        Args:
            message: What to send.
            timeout: Seconds to wait at the most; None for no limit.

        Raises:
            TimeoutError: If there was no room in time; the message was not accepted.
            ConsumerClosed: If no more messages are accepted, also while it waits.
            FluidError: If called on the thread of an event loop, which it would block.
        """
        if asyncio._get_running_loop() is not None:
            raise FluidError(
                f"put_threadsafe() to {self._name} would block the event loop of this thread; "
                f"use  await put(message)"
            )
        if timeout is not None:
            duration("timeout of put_threadsafe()", timeout)
        with self._room_freed:
            self._blocked_threads += 1
            self.attention = True
            try:
                in_time = self._room_freed.wait_for(lambda: self._closed or self._room(), timeout)
            finally:
                self._blocked_threads -= 1
            if not in_time:
                raise TimeoutError(f"{self._name} had no room for {timeout:g} seconds")
            self._send_the_long_way(message)

    async def join(self) -> None:
        """Waits until everything that has been accepted so far is settled.

        Cancellation: Safe.
        """
        target = self._total_accepted()
        if self._settled() >= target:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joiners.append((target, future))
        self.attention = True
        await future

    def size(self) -> int:
        """Returns how many messages wait."""
        return len(self.messages) + len(self._inbox)

    @property
    def is_closed(self) -> bool:
        """Whether no more messages are accepted."""
        return self._closed

    def account(self) -> Account:
        """Returns what has become of all messages so far."""
        with self._lock:
            return Account(
                accepted=self._total_accepted(),
                handled=self.handled,
                dead=self.dead,
                dropped=self.dropped,
                returned=self.returned,
                queued=self.size(),
                in_hand=self.in_hand,
            )

    # --- the ways in -----------------------------------------------------------------------------

    def _send_the_long_way(self, message: M | None) -> None:
        """Accepts a message that the short way turned down: closed, full, or of another thread."""
        with self._lock:
            if self._closed and not self._is_own_follow_up():
                raise ConsumerClosed(f"{self._name} accepts no more messages: it is closed")
            if message is None:
                self._nudged = True
            elif not self._room():
                raise MailboxFull(
                    f"{self._name} is full: {self.maxsize} messages wait; "
                    f"put() waits for room, in the consumer's loop"
                )
            elif get_ident() == self._thread:
                self.messages.append(message)
                self._accepted += 1
            else:
                self._inbox.append(message)
                self._inbox_accepted += 1
            self._announce()

    def _announce(self) -> None:
        """Wakes the consumer, in its own thread."""
        if get_ident() == self._thread:
            self._wake_getter()
        elif self._loop is not None and not self._fetching:
            try:
                self._loop.call_soon_threadsafe(self.fetch)
                self._fetching = True
            except RuntimeError:  # that loop is closed; the next consumer will fetch
                if not self._loop.is_closed():
                    raise

    def fetch(self) -> None:
        """Moves what other threads have sent into the queue."""
        with self._lock:
            self._fetching = False
            arrived = len(self._inbox)
            self.messages.extend(self._inbox)
            self._inbox.clear()
        for _ in range(max(arrived, self._nudged)):
            self._wake_getter()

    def _is_own_follow_up(self) -> bool:
        """Whether a consumer that is still draining sends to itself."""
        return any(core.is_draining() and core.is_inside() for core in self._consumers)

    def _room(self) -> int:
        if not self.maxsize:
            return sys.maxsize
        return max(self.maxsize - self.size() - self._promised, 0)

    async def _wait_for_room(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits for its turn; comes back with one place promised to the caller."""
        if self._closed:
            return self._promise_nothing()
        future: asyncio.Future[None] = loop.create_future()
        self._putters.append(future)
        self.attention = True
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._promised -= 1
                self.attend()
            raise
        return None

    def _promise_nothing(self) -> None:
        self._promised += 1  # taken back by the caller, whose send() then says what is wrong

    # --- for the consumer ------------------------------------------------------------------------

    def attach(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        """Binds the mailbox to its consumer's loop and thread, and opens it."""
        if self._consumers and self._loop is not loop:
            raise WrongLoopError(
                f"consumer {core.name!r} cannot share {self._name}: that lives on {self._loop!r}"
            )
        with self._lock:
            self._name = f"consumer {core.name!r}"
            self._consumers.append(core)
            self._loop, self._thread = loop, get_ident()
            self._closed = False
            self._open_room = 0 if self.maxsize else sys.maxsize
        self.fetch()

    def detach(self, core: Core) -> None:
        """Takes a consumer off that has ended."""
        if core in self._consumers:
            self._consumers.remove(core)
        if not self._consumers:
            self.attend()

    def close(self, core: Core) -> bool:
        """Accepts no more messages, unless another consumer is there for them. Any thread."""
        if any(other is not core for other in self._consumers):
            return False
        with self._room_freed:
            self._closed = True
            self._open_room = 0
            self._room_freed.notify_all()
        return True

    def wake_all(self) -> None:
        """Makes every waiter look again: consumers, and producers who wait for room."""
        self.fetch()
        while self._getters:
            self._wake_getter()
        self.attend()

    async def arrival(self, loop: asyncio.AbstractEventLoop, timeout: float = inf) -> None:
        """Waits for a message, a wake-up, a stop, or ``timeout`` seconds.

        Cancellation: Safe; a message that came meanwhile wakes another consumer.
        """
        future: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(timeout, _settle, future) if timeout < inf else None
        self._getters.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if self.messages:
                self._wake_getter()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def take_nudge(self) -> bool:
        """Returns whether a wake-up was sent since the last call."""
        nudged, self._nudged = self._nudged, False
        return nudged

    def put_back(self, message: M) -> None:
        """Returns a message that was in hand to the front."""
        self.messages.appendleft(message)

    def take_all(self) -> list[M]:
        """Takes whatever is left."""
        self.fetch()
        left = list(self.messages)
        self.messages.clear()
        return left

    def attend(self) -> None:
        """Lets in who waits for room, and tells who waits for the queue to be settled."""
        self._let_in_putters()
        if self._blocked_threads:
            with self._room_freed:
                self._room_freed.notify_all()
        settled = self._settled()
        for _, future in (waiting := [j for j in self._joiners if j[0] <= settled]):
            _settle(future)
        if waiting:
            self._joiners = [j for j in self._joiners if j[0] > settled and not j[1].done()]
        self.attention = bool(self._putters or self._blocked_threads or self._joiners)

    def _let_in_putters(self) -> None:
        while self._putters and (self._closed or self._room()):
            future = self._putters.popleft()
            if not future.done():
                self._promised += 1
                future.set_result(None)

    def _wake_getter(self) -> None:
        while self._getters:
            future = self._getters.popleft()
            if not future.done():
                future.set_result(None)
                return

    def _total_accepted(self) -> int:
        return self._accepted + self._inbox_accepted

    def _settled(self) -> int:
        return self.handled + self.dead + self.dropped + self.returned


def _settle(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
