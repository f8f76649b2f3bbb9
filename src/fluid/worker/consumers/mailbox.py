"""The queue in front of a consumer: what producers hold, and what outlives the consumer's lives.

Here is how messages come in, and who is refused. What is inside is in ``store.py``.
"""

from __future__ import annotations

import asyncio
from math import inf
from threading import get_ident
from typing import Any, TypeVar, cast

from ...errors import (
    ConsumerClosed,
    FluidError,
    FluidValueError,
    MailboxFull,
    WorkerDeadlockError,
    WrongLoopError,
)
from ...settings import duration
from .lobby import Joiner, LoopTicket, ThreadTicket, Ticket
from .request import Request
from .store import Store

M = TypeVar("M")
TicketT = TypeVar("TicketT", bound=Ticket)


class Mailbox(Store[M]):
    """Holds the messages that a consumer has accepted and not yet handled.

    ``None`` is not a message but a wake-up: it makes a waiting ``get_message()`` return.

    Args:
        maxsize: The most messages that may wait; 0 for no limit.

    Raises:
        FluidValueError: If ``maxsize`` is not a whole number, zero or more.
    """

    __slots__ = ()
    sent: int

    def __init__(self, *, maxsize: int = 0) -> None:
        super().__init__(maxsize=maxsize)

    def send(self, message: M | None) -> None:
        """Accepts ``message`` at once. From any thread.

        Raises:
            MailboxFull: If there is no room; ``put()`` waits for some.
            ConsumerClosed: If no more messages are accepted.
        """
        if get_ident() == self.short_way:
            if message is None:
                self._nudged = True
            else:
                self.messages.append(message)
                self.sent += 1
            if self.getters:
                self.wake_getter()
        else:
            with self._lock:
                self._accept(message)

    async def put(self, message: M | None) -> None:
        """Accepts ``message`` as soon as there is room, first come first served.

        Whoever is awaited by the consumer itself, like its handler, must not wait for room: the
        consumer would have to go on to make some.

        Raises:
            ConsumerClosed: If no more messages are accepted, also while it waits.
            WrongLoopError: If awaited on another loop than the consumer's; a thread has
                ``put_threadsafe()``.

        Cancellation: Safe; the message was not accepted.
        """
        loop = self._checked_loop("put", "; from another thread use put_threadsafe()")
        with self._lock:
            if self._accept_now(message):
                return
            ticket = self._line_up(LoopTicket(loop))
        try:
            await ticket.called
        except BaseException:
            self._stop_waiting(ticket)
            raise
        self._accept_as_promised(ticket, message)

    def put_threadsafe(self, message: M | None, timeout: float | None = None) -> None:
        """Blocks the calling thread until there is room for ``message``, first come first served.

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
        seconds = inf if timeout is None else duration("timeout of put_threadsafe()", timeout)
        with self._lock:
            if self._accept_now(message):
                return
            ticket = self._line_up(ThreadTicket())
        try:
            ticket.wait(seconds)
        except BaseException:  # KeyboardInterrupt, for one
            self._stop_waiting(ticket)
            raise
        self._accept_as_promised(ticket, message, seconds)

    async def join(self) -> None:
        """Waits until everything that has been accepted so far is settled.

        Raises:
            ConsumerClosed: If the consumer has ended before, also while it waits. In a mailbox
                that you made yourself it waits for the next one.
            WrongLoopError: If awaited on another loop than the consumer's.

        Cancellation: Safe.
        """
        loop = self._checked_loop("join")
        if get_ident() == self._thread:
            self.fetch()  # so that what comes in from now on is behind what is here
        with self._lock:
            joiner = Joiner(self.accepted(), loop)
            if self._settled() >= joiner.target:
                return
            if self._deserted:
                raise self._nobody_is_there()
            self._joiners.enter(joiner)
        self.attend()
        try:
            await joiner.done
        finally:
            with self._lock:
                self._joiners.leave(joiner)

    async def request(self, message: M) -> Any:
        """Sends ``message`` and waits for what its handler returns, or raises what it raises.

        Raises:
            ConsumerClosed: If no more messages are accepted, or the consumer has ended before.
            FluidError: If the handler was cancelled, or raised what is no ``Exception``.
            FluidValueError: If ``message`` is None, which is no message.
            WorkerDeadlockError: If called by a handler of the consumer itself.
            WrongLoopError: If awaited on another loop than the consumer's.

        Cancellation: Safe; the message is handled all the same if it was accepted.
        """
        loop = self._checked_loop("request")
        if self._deserted:
            raise self._nobody_is_there()
        if message is None:
            raise FluidValueError(f"{self._name} cannot be asked for None: it is no message")
        if any(core.is_inside() for core in self._consumers):
            raise WorkerDeadlockError(
                f"a handler of {self._name} asked {self._name} itself: it would wait for its own "
                f"end; let another consumer answer, or call the function"
            )
        request = Request(message, loop)
        self.expect_requests()
        await self.put(cast("M", request))
        self.look_again()
        self.requests[request] = None
        try:
            return await request.outcome()
        finally:
            del self.requests[request]

    # --- the ways in ------------------------------------------------------------------------------

    def _accept(self, message: M | None, *, promised: bool = False) -> None:
        """Accepts a message that the short way turned down: closed, limited, of another thread.

        The lock is held.
        """
        if self._closed and not self._is_own_follow_up():
            raise ConsumerClosed(
                f"{self._name} accepts no more messages: it is closed; who sends to it has to stop "
                f"before it"
            )
        is_at_home = get_ident() == self._thread
        if message is None:
            self._nudged = True
        elif not promised and not self._room.is_free(self.size()):
            waiting = "1 message waits" if self.maxsize == 1 else f"{self.maxsize} messages wait"
            raise MailboxFull(
                f"{self._name} is full: {waiting}; put() waits for room, in the consumer's loop"
            )
        elif is_at_home:
            self.messages.append(message)
            self.sent += 1
        else:
            self.inbox.append(message)
            self._sent_from_afar += 1
        if is_at_home:
            self.wake_getter()
        else:
            self._call_for_fetch()

    def _accept_now(self, message: M | None) -> bool:
        """Accepts a message if there is no reason to wait for room; the lock is held.

        There is none in a closed mailbox: strangers are refused, and a handler that makes its own
        consumer wait while it drains would wait for itself.
        """
        if message is None or self._closed or self._room.is_free(self.size()):
            self._accept(message, promised=self._closed)
            return True
        return False

    def _line_up(self, ticket: TicketT) -> TicketT:
        if self._deserted:
            raise self._nobody_is_there()
        self._room.tickets.append(ticket)
        self.look_again()
        # The consumer takes without the lock. What it took before it could see that it has to look
        # again has left room that it tells nobody of.
        self._give_room()
        return ticket

    def _accept_as_promised(self, ticket: Ticket, message: M | None, timeout: float = inf) -> None:
        with self._lock:
            self._room.leave(ticket)
            if not ticket.promised and not self._closed:
                raise TimeoutError(f"{self._name} had no room for {timeout:g} seconds")
            if self._deserted and not self._room.is_free(self.size()):
                raise self._nobody_is_there()
            self._accept(message, promised=True)

    def _stop_waiting(self, ticket: Ticket) -> None:
        """Takes a ticket back; what was promised to it goes to the next."""
        with self._lock:
            self._room.leave(ticket)
            self._give_room()

    def _is_own_follow_up(self) -> bool:
        """Whether a consumer that is still draining sends to itself."""
        return any(core.is_draining() and core.is_inside() for core in self._consumers)

    def _checked_loop(self, verb: str, hint: str = "") -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and loop is not self._loop:
            raise WrongLoopError(
                f"{verb}() of {self._name} was awaited on {loop!r}, "
                f"but it lives on {self._loop!r}{hint}"
            )
        return loop
