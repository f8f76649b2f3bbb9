"""Those who wait at a mailbox: producers for room, others until everything is settled.

Room is given out in order of arrival, to coroutines and threads alike. Whoever is given some has it
promised until they come to take it, so that nobody who comes later takes it from under them.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

from ..waits import fail, settle


class Ticket:
    """A place in the queue for room."""

    def __init__(self) -> None:
        self.promised: bool = False
        """Whether it was called, and has room or the news that there will be none."""

    def call(self) -> None:
        """Lets its holder come, for whom room is kept until then."""
        self.promised = True

    def call_thread(self) -> None:
        """Calls a holder whom no loop can call; keeps no room."""

    def is_void(self) -> bool:
        """Returns whether its holder will never come."""
        return False


class LoopTicket(Ticket):
    """A ticket of a coroutine."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.called: asyncio.Future[None] = loop.create_future()

    def call(self) -> None:
        """Lets the coroutine go on."""
        super().call()
        resolve(self.called)

    def is_void(self) -> bool:
        """Returns whether the loop of the coroutine is closed."""
        return self.called.get_loop().is_closed()


class ThreadTicket(Ticket):
    """A ticket of a thread.

    It waits for a bare lock, which even a signal handler may release at any moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gate: threading.Lock = threading.Lock()
        self._gate.acquire()

    def wait(self, timeout: float) -> None:
        """Blocks the thread until it is called, for ``timeout`` seconds at most."""
        self._gate.acquire(timeout=-1 if timeout > threading.TIMEOUT_MAX else timeout)

    def call(self) -> None:
        """Lets the thread go on."""
        super().call()
        self.call_thread()

    def call_thread(self) -> None:
        """Opens the gate."""
        with suppress(RuntimeError):  # it was open
            self._gate.release()


class Room:
    """The room in a mailbox, and who waits for some. Not thread-safe: the mailbox locks.

    Args:
        maxsize: The most messages that may wait; 0 for no limit.
    """

    def __init__(self, maxsize: int) -> None:
        self.limit: float = maxsize or inf
        self.tickets: deque[Ticket] = deque()
        """Who waits, first come first served."""
        self._promised: int = 0

    def is_free(self, size: int) -> bool:
        """Whether a newcomer finds room beside ``size`` messages."""
        return not self.tickets and size + self._promised < self.limit

    def give(self, size: int) -> None:
        """Gives the room that there is beside ``size`` messages to those who wait."""
        while self.tickets and size + self._promised < self.limit:
            self._call_first()

    def give_up(self) -> None:
        """Calls everybody, because there will be no room."""
        while self.tickets:
            self._call_first()

    def leave(self, ticket: Ticket) -> None:
        """Takes a ticket back from somebody who uses the room now, or has stopped waiting."""
        if ticket.promised:
            self._promised -= 1
        elif ticket in self.tickets:  # not when it was void, and its holder is only now torn down
            self.tickets.remove(ticket)

    def _call_first(self) -> None:
        ticket = self.tickets.popleft()
        if not ticket.is_void():
            self._promised += 1
            ticket.call()


class Joiner:
    """Somebody who waits until everything accepted so far is settled.

    Messages are taken in the order in which they came. So the wait is at first for the last of them
    to be taken, and from then on for those who have one in hand at that moment.
    """

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self.target: int = target
        self.done: asyncio.Future[None] = loop.create_future()
        self.waits_for: set[object] | None = None
        """Who had one in hand; None as long as not all were taken."""


class Joiners:
    """Everybody who waits until something is settled."""

    def __init__(self) -> None:
        self._waiting: list[Joiner] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def enter(self, joiner: Joiner) -> None:
        """Lets somebody wait."""
        self._waiting.append(joiner)

    def leave(self, joiner: Joiner) -> None:
        """Forgets somebody who has stopped waiting."""
        self._waiting.remove(joiner)

    def look(self, taken: int, settled_by: object, holders: Callable[[], set[object]]) -> None:
        """Tells those who are done.

        Args:
            taken: How many messages have ever been taken.
            settled_by: Who has just settled one.
            holders: Returns who has one in hand now, or somewhere else that is not the queue.
        """
        for joiner in self._waiting:
            if joiner.waits_for is not None:
                joiner.waits_for.discard(settled_by)
            elif taken >= joiner.target:
                joiner.waits_for = holders()
            if joiner.waits_for is not None and not joiner.waits_for:
                resolve(joiner.done)

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """Tells everybody that there is nothing to wait for any more."""
        for joiner in self._waiting:
            in_its_loop(joiner.done, fail, joiner.done, make_error())

    def taken_back(self, target: int) -> None:
        """Is told that a message has gone back to the front: it has to be taken again.

        Args:
            target: What everybody waits for from now on.
        """
        for joiner in self._waiting:
            joiner.waits_for = None
            joiner.target = target

    def next_target(self) -> int:
        """Returns how many messages have to be settled before it is worth another look."""
        return min((0 if j.waits_for else j.target for j in self._waiting), default=sys.maxsize)


def resolve(future: asyncio.Future[None]) -> None:
    """Ends the wait for ``future``, from any thread; nothing if its loop is closed."""
    in_its_loop(future, settle, future, None)


def in_its_loop(
    future: asyncio.Future[Any], action: Callable[..., None], *arguments: object
) -> None:
    """Does something about ``future`` in its loop, from any thread; nothing if that is closed."""
    loop = future.get_loop()
    try:
        if asyncio._get_running_loop() is loop:
            action(*arguments)
        else:
            loop.call_soon_threadsafe(action, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
