"""The gate of a server that anybody may ask: how much of the process its clients can take.

A health server is asked a few times a minute, and is there for everybody who can reach it. So what
it may cost is bounded, whatever its clients do: in time of the loop, in connections, in bytes, in
seconds. Whoever is over a bound waits unread, in the kernel, where waiting costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from .. import logs
from ..record import Record
from ..rules.rate import RateLimit
from .sparing import Sparing
from .turns import Turns

PAUSE = 0.025
"""Seconds without a turn when all have been given that there were; then there are some at once.

Else the loop would wake up for each of them, which costs as much again as a turn.
"""


class Limits(Record):
    """What the clients of one server may take, all together."""

    turns: RateLimit = RateLimit(250, burst=100)
    """How often anybody is served: a connection is accepted, or what one has sent is read.

    Source: fifty who probe honestly ask once a second, on a new connection, which takes two turns,
    and they may do so all at once. That is the burst, and less than half of the rate. A turn takes
    0.2 to 0.4 ms of a core of 2026 (``python -m benchmarks --only flood``), so that a flood takes
    a tenth of a core at the most, never more than one turn in a step of the loop.
    """
    connections: int = 128
    """How many there may be; for one more, the one that has got nowhere for longest is closed.

    Source: a node has a kubelet, a Prometheus or two and a human; the rest is room to bear a fool.
    A connection costs 30 KiB at most, as far as it takes what it is sent.
    """
    backlog: int = 64
    """How many may wait to be accepted: two thirds of a second, at that rate and in a flood.

    In a longer queue a probe would wait for longer than its own limit, which is a second. In one
    that is full it would do so, too: the system drops it, and it comes again after a second.
    """
    size: int = 8 * 1024
    """Bytes that the head of a request may have, and no more is kept of what comes at once.

    Source: what servers commonly allow (nginx, Apache httpd: 8 KiB a line).
    """
    patience: float = 5.0
    """Seconds for a whole request to come, for an answer to be taken, and for idling after it."""


class Guest(Protocol):
    """Somebody who waits for a turn."""

    def go_on(self) -> None:
        """Does one turn's work."""

    def cut(self) -> None:
        """Ends it, now."""


class Gate:
    """Gives turns, one in each step of the loop, and closes connections that get nowhere.

    Args:
        limits: What there is to give.
        loop: The running loop.
        logger: Where it complains.
    """

    def __init__(
        self, limits: Limits, loop: asyncio.AbstractEventLoop, logger: logging.Logger
    ) -> None:
        self.limits: Limits = limits
        self.logger: logging.Logger = Sparing(logger, loop.time)
        """For whatever clients can cause to be said."""
        self._loop: asyncio.AbstractEventLoop = loop
        self._turns: Turns[Guest] = Turns(limits.turns)
        self._next: asyncio.Handle | None = None
        self._deadlines: dict[Guest, float] = {}
        """Who has to get on until when; the first to be cut comes first."""
        self._timer: asyncio.TimerHandle | None = None

    # --- turns -----------------------------------------------------------------------------------

    def ask(self, guest: Guest, *, is_new: bool) -> None:
        """Lets ``guest`` go on when it is its turn; that is in a later step of the loop."""
        self._turns.join(guest, is_new=is_new)
        self._plan()

    def _plan(self) -> None:
        if self._next is not None:
            return
        now = self._loop.time()
        at = self._turns.next_at(now)
        if at is not None:
            loop, give = self._loop, self._give
            is_due = at <= now
            self._next = (
                loop.call_soon(give) if is_due else loop.call_at(max(at, now + PAUSE), give)
            )

    def _give(self) -> None:
        self._next = None
        guest = self._turns.next()
        try:
            if guest is not None:
                guest.go_on()
        except Exception as error:  # a defect; the others go on
            logs.safely(self.logger.error, "a connection failed", exc_info=error)
            assert guest is not None
            guest.cut()
        finally:
            self._plan()

    # --- connections -----------------------------------------------------------------------------

    def enter(self, guest: Guest) -> None:
        """Takes one more in; if that is too many, the one that got nowhere for longest goes."""
        self.got_on(guest)
        if len(self._deadlines) > self.limits.connections:
            self._cut(next(iter(self._deadlines)))

    def got_on(self, guest: Guest) -> None:
        """Notes that ``guest`` has got somewhere, and has as long again."""
        self._deadlines.pop(guest, None)
        self._deadlines[guest] = self._loop.time() + self.limits.patience
        self._watch()

    def leave(self, guest: Guest) -> None:
        """Forgets ``guest``, who has gone."""
        self._turns.leave(guest)
        self._deadlines.pop(guest, None)
        if not self._deadlines and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Ends all waiting; the connections are seen off by others."""
        for handle in (self._next, self._timer):
            if handle is not None:
                handle.cancel()
        self._deadlines.clear()

    def _watch(self) -> None:
        if self._timer is None and self._deadlines:
            first = next(iter(self._deadlines.values()))
            self._timer = self._loop.call_at(first, self._look)

    def _look(self) -> None:
        """Cuts who is late. One timer for all of them, since all have the same patience."""
        self._timer, now = None, self._loop.time()
        for guest in [guest for guest, until in self._deadlines.items() if until <= now]:
            self._cut(guest)
        self._watch()

    def _cut(self, guest: Guest) -> None:
        self.leave(guest)
        guest.cut()
