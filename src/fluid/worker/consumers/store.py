"""The store of a mailbox: its messages, who takes them, and what has become of them.

The messages are in one deque that only the consumer's thread touches, without a lock. Other threads
put theirs into an inbox behind a lock, from where the loop fetches them. How messages get in is in
``mailbox.py``, how they are handled is the business of the loops (``plain.py``, ``pool.py``,
``batch.py``); who waits here, and for what, is in ``lobby.py``.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from math import inf, isinf
from threading import get_ident
from typing import TYPE_CHECKING, Generic, TypeVar

from ...errors import ConsumerClosed, FluidValueError, WrongLoopError
from .account import Account, Totals
from .lobby import Joiners, Room
from .meter import Meter
from .request import Request, give_up_requests

if TYPE_CHECKING:
    from .core import ConsumerCore

M = TypeVar("M")

FAR_AWAY = 2**29
"""So many more messages before anybody has to look again. Python is fastest with small numbers."""


class Store(Generic[M]):
    """What a mailbox is to its consumers.

    With slots, because an instance that has more than thirty attributes is slow without them.
    """

    __slots__ = (
        "__weakref__",
        "_closed",
        "_consumers",
        "_deserted",
        "_fetching",
        "_joiners",
        "_lock",
        "_loop",
        "_name",
        "_nudged",
        "_room",
        "_sent_from_afar",
        "_thread",
        "aside",
        "attend_at",
        "dead",
        "dropped",
        "getters",
        "handled",
        "has_requests",
        "holders",
        "inbox",
        "is_paused",
        "is_private",
        "is_resumed",
        "maxsize",
        "messages",
        "meter",
        "parcels",
        "requests",
        "returned",
        "sent",
        "short_way",
        "unaware",
        "wary",
    )

    def __init__(self, *, maxsize: int = 0) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 0:
            raise FluidValueError(
                f"maxsize of a mailbox is not a whole number, zero or more: {maxsize!r}"
            )
        self.maxsize: int = maxsize
        """The most messages that may wait; 0 for no limit."""
        self.messages: deque[M] = deque()
        """What waits, first in first out. Only the consumer's own thread may touch it."""
        self.holders: dict[object, int] = {}
        """Who has how many messages in hand."""
        self.handled: int = 0
        self.dead: int = 0
        self.dropped: int = 0
        self.returned: int = 0
        self.aside: int = 0
        """How many wait elsewhere than in the deque: behind their key, or for another attempt."""
        self.parcels: dict[object, None] = {}
        """All that some consumer has taken out of order and not yet settled."""
        self.is_paused: bool = False
        """Whether nothing may be taken."""
        self.is_resumed: bool = False
        """Whether that has just come to an end, and those who wait have still to be told."""
        self.meter: Meter = Meter()
        self.attend_at: int = FAR_AWAY
        """The count of handled messages from which on somebody may have to be told.

        Whoever handles messages looks at it when it has taken one, and calls :meth:`attend`.
        """

        self._name: str = "mailbox"
        self._closed: bool = False
        self.is_private: bool = False
        """Whether a consumer made it for itself: nobody waits in it for another one."""
        self._deserted: bool = False
        """Whether that consumer has ended, and no other has come."""
        self._consumers: dict[ConsumerCore, bool] = {}
        """Whose ``run`` has not ended, and whether a stop was asked for."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int = 0
        self.short_way: int = 0
        """The thread that may put a message into the deque without another look, if any."""
        self.sent: int = 0
        """How many messages were accepted on the consumer's own thread."""
        self.getters: deque[asyncio.Future[None]] = deque()
        """What is done for those who wait for a message, in their order."""
        self._nudged: bool = False
        self._room: Room = Room(maxsize)
        self.has_requests: bool = False
        """Whether somebody has ever waited for an answer."""
        self.requests: dict[Request[M], None] = {}
        """Those that somebody waits for, wherever they are: queued, aside or in hand."""
        self.wary: int = 0
        """For how many reasons a loop has to look, before each message, whether it may take it."""
        self.unaware: int = 0
        """How many loops run that have never heard of requests."""
        self._joiners: Joiners = Joiners()

        # Reentrant, because a signal handler may ask for a stop while its own thread is in here.
        self._lock: threading.RLock = threading.RLock()
        self.inbox: list[M] = []
        """What other threads have sent, and nobody has fetched."""
        self._sent_from_afar: int = 0
        self._fetching: bool = False

    # --- what there is ----------------------------------------------------------------------------

    def size(self) -> int:
        """Returns how many messages wait."""
        return len(self.messages) + len(self.inbox) + self.aside

    def is_empty(self) -> bool:
        """Returns whether there is nothing to take."""
        return not self.messages and not self.inbox

    @property
    def is_closed(self) -> bool:
        """Whether no more messages are accepted."""
        return self._closed

    def accepted(self) -> int:
        """Returns how many messages have ever been accepted."""
        return self.sent + self._sent_from_afar

    def is_here(self) -> bool:
        """Returns whether this is the thread of its consumers, whose loops write the times."""
        return self._thread == get_ident()

    def look(self, now: float) -> None:
        """Notes how long the queue is, for its times."""
        self.meter.look(now, self.size(), self.accepted())

    def account(self) -> Account:
        """Returns what has become of all messages so far.

        It adds up at any moment for whoever asks on the consumer's own thread; seen from another
        one it may be off by what is being moved just then.
        """
        with self._lock:
            return Account(
                accepted=self.accepted(),
                handled=self.handled,
                dead=self.dead,
                dropped=self.dropped,
                returned=self.returned,
                queued=self.size(),
                in_hand=self._in_hand(),
            )

    def totals(self) -> Totals:
        """Returns what there has ever been; each number is right for itself, in any thread."""
        meter = self.meter
        return Totals(
            self.accepted(),
            self.handled,
            self.dead,
            self.dropped,
            self.returned,
            meter.failed,
            meter.retried,
            meter.abandoned,
            meter.waited,
            meter.handled_for,
        )

    def pause(self) -> None:
        """Lets no more messages be taken; what is in hand is finished. From any thread.

        A stop that is asked for meanwhile hands what waits to ``on_undelivered`` at once.
        """
        with self._lock:  # or a look that goes on just now and has seen no pause would be the last
            self.is_paused = True
            self.look_again()

    def resume(self) -> None:
        """Lets messages be taken again. From any thread."""
        with self._lock:
            self.is_paused, self.is_resumed = False, True
            if get_ident() == self._thread:
                self.fetch()
            else:
                self._call_for_fetch()

    def expect_requests(self) -> None:
        """Notes that from now on somebody may wait for an answer."""
        self.has_requests = True

    # --- who takes it -----------------------------------------------------------------------------

    def check_entry(self, core: ConsumerCore, loop: asyncio.AbstractEventLoop) -> None:
        """Refuses a consumer that cannot be here together with those who are.

        Raises:
            WrongLoopError: If they live on another loop.
            FluidValueError: If one of them has to keep the messages of one key in order.
        """
        home = self._loop
        if home is None or not self._consumers or home.is_closed():
            return
        if home is not loop:
            raise WrongLoopError(
                f"consumer {core.name!r} cannot share the mailbox of {self._name}: "
                f"that lives on {home!r}"
            )
        for other in self._consumers:
            if other is not core and (core.policy.key or other.policy.key):
                raise FluidValueError(
                    f"consumer {core.name!r} cannot share the mailbox of consumer {other.name!r}: "
                    f"together they could not keep the messages of one key in order; "
                    f"give one of them more concurrency instead"
                )

    def attach(self, core: ConsumerCore, loop: asyncio.AbstractEventLoop) -> None:
        """Binds the mailbox to its consumer's loop and thread, and opens it."""
        with self._lock:
            if loop is not self._loop:  # whoever is left there died with that loop
                self._consumers.clear()
                self.getters.clear()
            self._name = f"consumer {core.name!r}"
            self._consumers[core] = False
            self._loop, self._thread = loop, get_ident()
            self._closed = self._deserted = False
            self.short_way = 0 if self.maxsize else self._thread
        self.fetch()

    def close(self, core: ConsumerCore) -> None:
        """Accepts no more messages, unless another consumer is there for them. From any thread."""
        with self._lock:
            if core in self._consumers:
                self._consumers[core] = True
            if all(self._consumers.values()):
                self._closed = True
                self.short_way = 0
                for ticket in tuple(self._room.tickets):
                    ticket.call_thread()

    def leave(self, core: ConsumerCore) -> None:
        """Takes off a consumer whose ``run`` has ended: it takes no more messages."""
        with self._lock:
            self._consumers.pop(core, None)

    def detach(self, core: ConsumerCore, *, for_good: bool) -> None:
        """Lets go of a consumer's loop and thread, unless another consumer is there.

        Whoever waits goes on waiting where somebody else may come for the messages.
        """
        with self._lock:
            self.leave(core)
            if not self._consumers:
                self._loop, self._thread, self.short_way = None, 0, 0
                if self.is_private and for_good:
                    self._deserted = True
                    self._room.give_up()
                    self._joiners.fail(self._nobody_is_there)
                    give_up_requests(self.requests, self._name)

    def is_alone(self, core: ConsumerCore) -> bool:
        """Returns whether no other consumer is there."""
        return not any(other is not core for other in self._consumers)

    # --- taking -----------------------------------------------------------------------------------

    def take_all(self, holder: object) -> list[M]:
        """Takes whatever is left."""
        self.fetch()
        left = list(self.messages)
        self.messages.clear()
        self.holders[holder] = len(left)
        return left

    def put_back(self, message: M) -> None:
        """Returns a message that was in hand to the front."""
        self.put_back_all([message])

    def put_back_all(self, messages: list[M]) -> None:
        """Returns messages that were in hand to the front.

        What came after them may be settled already, by another loop. So whoever waits for what had
        been accepted at some moment now waits for everything that has been accepted since: later
        than need be, but never too early.
        """
        self.messages.extendleft(reversed(messages))
        self._joiners.taken_back(self.accepted())
        for _ in messages:
            self.wake_getter()

    def release(self, holder: object) -> None:
        """Notes that ``holder`` has settled what it had in hand."""
        del self.holders[holder]
        if self.handled >= self.attend_at:
            self.attend(holder)

    # --- waiting for more -------------------------------------------------------------------------

    def arrival(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Returns what is done with the next message, wake-up or stop.

        A future, not a coroutine, since a consumer that keeps up comes here for each message.
        Whoever is not there any more when it is done calls :meth:`missed`.
        """
        future: asyncio.Future[None] = loop.create_future()
        self.getters.append(future)
        if self.inbox:
            self.fetch()
        return future

    async def next_arrival(self, loop: asyncio.AbstractEventLoop, until: float = inf) -> None:
        """Waits for the next message, wake-up or stop, or until an instant."""
        future = self.arrival(loop)
        timer = None if isinf(until) else loop.call_at(until, self.time_is_up, future)
        try:
            await future
        except BaseException:
            self.missed(future)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def time_is_up(self, arrival: asyncio.Future[None]) -> None:
        """Ends a wait in which nothing came."""
        if not arrival.done():
            if arrival in self.getters:  # not when the mailbox has moved to another loop
                self.getters.remove(arrival)
            arrival.set_result(None)

    def missed(self, arrival: asyncio.Future[None]) -> None:
        """Forgets an arrival whose getter is gone; if it had come, another getter wakes for it."""
        if arrival in self.getters:
            self.getters.remove(arrival)
        elif self.messages or self._nudged:
            self.wake_getter()

    def wake_getter(self) -> None:
        """Wakes one of those who wait for a message."""
        try:
            while self.getters:
                future = self.getters.popleft()
                try:
                    future.set_result(None)
                    return
                except asyncio.InvalidStateError:  # whoever waited was cancelled
                    continue
        except RuntimeError:  # its loop is closed; the message waits for the next consumer
            if not future.get_loop().is_closed():
                raise

    def wake_getters(self) -> None:
        """Wakes everybody who waits for a message."""
        while self.getters:
            self.wake_getter()

    def wake_all(self) -> None:
        """Makes every waiter look again: consumers, and producers who wait for room."""
        self.fetch()
        self.wake_getters()
        self.attend()
        self.look_again()  # for a consumer that is in the middle of its slice

    def wake_sorters(self) -> None:
        """Wakes one of those who take what their consumer has sorted.

        Where there are several consumers, nobody here knows whose getter it is: all are woken.
        """
        if len(self._consumers) > 1:
            self.wake_getters()
        else:
            self.wake_getter()

    def take_nudge(self) -> bool:
        """Returns whether a wake-up was sent since the last call."""
        nudged, self._nudged = self._nudged, False
        return nudged

    # --- from other threads -----------------------------------------------------------------------

    def fetch(self) -> None:
        """Moves what other threads have sent into the queue, and wakes who waits for it."""
        with self._lock:
            self._fetching = False
            arrived = len(self.inbox)
            self.messages.extend(self.inbox)
            self.inbox.clear()
        if self.is_resumed:
            self.is_resumed = False
            self.wake_getters()
        for _ in range(max(arrived, self._nudged)):
            self.wake_getter()

    def _call_for_fetch(self) -> None:
        """Has the loop fetch what is in the inbox."""
        if self._loop is not None and not self._fetching:
            try:
                self._loop.call_soon_threadsafe(self._fetch_for, self._loop)
                self._fetching = True
            except RuntimeError:  # that loop is closed; the next consumer will fetch
                if not self._loop.is_closed():
                    raise

    def _fetch_for(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:  # another one may have taken over meanwhile, in another thread
            self.fetch()

    # --- telling those who wait -------------------------------------------------------------------

    def look_again(self) -> None:
        """Has the consumer attend after its next message, or when it releases what it has."""
        self.attend_at = 0

    def be_wary(self, reasons: int) -> None:
        """Adds to the reasons to attend after every message; or takes some away."""
        self.wary += reasons
        self.look_again()

    def attend(self, settled_by: object = None) -> None:
        """Lets in who waits for room, and tells who waits for messages to be settled."""
        with self._lock:
            self._give_room()
            far = FAR_AWAY
            if self._joiners:
                taken = self._settled() + self._in_hand() + self.aside
                self._joiners.look(taken, settled_by, self._who_holds)
                far = min(self._joiners.next_target() - self._settled(), FAR_AWAY)
            always = self._room.tickets or self.is_paused or self.wary
            has_news = always or (self.has_requests and self.unaware)
            self.attend_at = 0 if has_news else self.handled + far

    def _give_room(self) -> None:
        if self._closed or self._deserted:
            self._room.give_up()
        else:
            self._room.give(self.size())

    def _nobody_is_there(self) -> ConsumerClosed:
        """Returns what those get raised who would wait for a consumer that has ended."""
        left = self.size() + self._in_hand()
        waiting = "1 message waits" if left == 1 else f"{left} messages wait"
        return ConsumerClosed(f"{self._name} has ended; {waiting} for another consumer")

    def _who_holds(self) -> set[object]:
        return {*self.parcels, *(holder for holder, count in self.holders.items() if count)}

    def _in_hand(self) -> int:
        return sum(self.holders.values())

    def _settled(self) -> int:
        return self.handled + self.dead + self.dropped + self.returned
