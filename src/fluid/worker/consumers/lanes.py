"""Messages in another order than that of the mailbox: behind their key, or for another attempt.

A lane holds the messages of one key; one of them at most is being handled. Lanes that have a
message to give stand in a ring, and each gives one when its turn comes: a key with a thousand
messages delays another by one message only. What waits for its back-off is out of the ring until
then. All of it still counts as queued, and goes back to the mailbox, in order, when ``run`` ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from .handling import Handling
from .plain import SLICE_MESSAGES, Over, Settled, was_cancelled
from .request import bare

if TYPE_CHECKING:
    from .mailbox import Mailbox

AHEAD = 16
"""How many messages are sorted for each one that is taken, so that no key stays undiscovered."""


class Lane:
    """The messages of one key, in order; without keys, one message."""

    __slots__ = ("is_busy", "key", "parcels")

    def __init__(self, key: Hashable = None) -> None:
        self.key: Hashable = key
        self.parcels: deque[Parcel] = deque()
        self.is_busy: bool = False
        """Whether its first message is being handled, or waits to be tried again in its place."""


class Parcel:
    """A message that was taken from the mailbox, and what has happened to it so far."""

    __slots__ = ("attempts", "due", "error", "item", "lane", "number")

    def __init__(self, item: Any, number: int) -> None:
        self.item: Any = item
        self.number: int = number
        """Its place among all that were sorted."""
        self.attempts: int = 0
        self.due: float = 0.0
        self.error: BaseException | None = None
        """What asking for its key has raised."""
        self.lane: Lane

    def __lt__(self, other: Parcel) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class Lanes:
    """Sorts the messages of a mailbox, and handles them one of a key at a time.

    To a loop it is both a source and what handles the messages that come from there.
    """

    def __init__(self, mailbox: Mailbox[Any], handling: Handling) -> None:
        policy = handling.policy
        self._mailbox: Mailbox[Any] = mailbox
        self._handling: Handling = handling
        self._key: Callable[[Any], Hashable] | None = policy.key
        self._ahead: int = AHEAD if policy.key else 1  # the others are for whoever is free first
        self._keeps_order: bool = policy.retry is None or policy.retry.keeps_order
        self._lanes: dict[Hashable, Lane] = {}
        """The lanes of all keys that have a message."""
        self._ring: deque[Lane] = deque()
        """Lanes that are not busy and have a message to give."""
        self._deferred: list[Parcel] = []
        """A heap of those that are to be tried again, the next one first."""
        self._timer: asyncio.TimerHandle | None = None
        self._count: int = 0
        self._is_closed: bool = False

    # --- as a source -----------------------------------------------------------------------------

    @property
    def messages(self) -> Lanes:
        """Itself, which can be asked as a deque can."""
        return self

    def __bool__(self) -> bool:
        # When it is closed, only a loop that was left alone still asks.
        return not self._is_closed and bool(self._ring or self._mailbox.messages)

    def popleft(self) -> Parcel:
        """Takes the message whose turn it is.

        Raises:
            IndexError: If there is none, or none was found among those that it looked at.
        """
        messages, ring = self._mailbox.messages, self._ring
        looked = 0
        self._mailbox.aside -= 1  # it counts as in hand, also for a key function that looks
        while messages and looked < (self._ahead if ring else SLICE_MESSAGES):
            self._mailbox.aside += 1  # first, or a thread that puts might see room in between
            self._sort(messages.popleft())
            looked += 1
        if not ring:
            self._mailbox.aside += 1
            raise IndexError
        lane = ring.popleft()
        lane.is_busy = True
        return lane.parcels.popleft()

    def put_back(self, parcel: Parcel) -> None:
        """Returns a message that was taken, to where it was."""
        mailbox = self._mailbox
        if self._is_closed:  # it comes from a handler that was left alone
            mailbox.parcels.pop(parcel, None)
            mailbox.put_back(parcel.item)
            return
        mailbox.aside += 1
        lane = parcel.lane
        lane.is_busy = False
        lane.parcels.appendleft(parcel)
        self._ring.appendleft(lane)
        mailbox.wake_sorters()

    def is_empty(self) -> bool:
        """Returns whether there is nothing to take, now or later in the time that is left."""
        will_come = self._deferred and self._handling.is_in_time(self._deferred[0].due)
        return not (self or self._mailbox.inbox or will_come)

    def close(self) -> None:
        """Returns everything that waits to the mailbox, in the order in which it came."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        waiting = [parcel for lane in self._lanes.values() for parcel in lane.parcels]
        waiting += [parcel for lane in self._ring if lane.key is None for parcel in lane.parcels]
        waiting += self._deferred
        waiting.sort(key=lambda parcel: parcel.number)
        mailbox = self._mailbox
        mailbox.aside -= len(waiting)
        for parcel in waiting:
            del mailbox.parcels[parcel]
        if waiting:
            mailbox.put_back_all([parcel.item for parcel in waiting])

    # --- as a handler ----------------------------------------------------------------------------

    @property
    def on_message(self) -> Callable[[Parcel], Awaitable[None]]:
        """Tries to handle a message once."""
        return self._handle

    async def _handle(self, parcel: Parcel) -> None:
        parcel.attempts += 1
        try:
            if parcel.error is None:
                due = await self._handling.attempt(parcel.item, parcel.attempts)
            else:
                due = await self._handling.failed(parcel.item, parcel.error, parcel.attempts)
        except Over:
            parcel.attempts -= 1
            raise
        except BaseException as error:
            if not was_cancelled(error):
                self._settle(parcel)
            raise
        if due is None:
            self._settle(parcel)
        elif self._is_closed:  # it comes from a handler that was left alone
            raise Over
        else:
            self._defer(parcel, due)
            raise Settled

    def _settle(self, parcel: Parcel) -> None:
        mailbox = self._mailbox
        mailbox.parcels.pop(parcel, None)
        self._free(parcel.lane)
        if mailbox.handled >= mailbox.attend_at:
            mailbox.attend(parcel)

    # --- lanes -----------------------------------------------------------------------------------

    def _sort(self, item: Any) -> None:
        parcel = Parcel(item, self._count)
        self._count += 1
        self._mailbox.parcels[parcel] = None
        try:
            parcel.lane = lane = self._lane_of(item)
        except BaseException as error:  # it is that message's failure, like one of its handler
            parcel.error = error
            parcel.lane = lane = Lane()
        self._line_up(parcel, lane)

    def _lane_of(self, item: Any) -> Lane:
        if self._key is None:
            return Lane()
        key = (self._key(bare(item)),)  # None may be a key
        try:
            lane = self._lanes.get(key)
        except TypeError as error:
            error.add_note(f"the key of a message has to be hashable: {key[0]!r}")
            raise
        return lane or self._lanes.setdefault(key, Lane(key))

    def _line_up(self, parcel: Parcel, lane: Lane) -> None:
        lane.parcels.append(parcel)
        if not lane.is_busy and len(lane.parcels) == 1:
            self._ring.append(lane)

    def _free(self, lane: Lane) -> None:
        """Lets the next message of a lane have its turn."""
        lane.is_busy = False
        if lane.parcels:
            self._ring.append(lane)
        elif lane.key is not None:
            self._lanes.pop(lane.key, None)

    # --- another attempt -------------------------------------------------------------------------

    def _defer(self, parcel: Parcel, due: float) -> None:
        parcel.due = due
        self._mailbox.aside += 1
        heappush(self._deferred, parcel)
        if not self._keeps_order:
            self._free(parcel.lane)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._deferred:
            loop = self._handling.life.loop
            self._timer = loop.call_at(self._deferred[0].due, self._fall_due)

    def _fall_due(self) -> None:
        """Lets those have their turn again whose back-off is over."""
        now = self._handling.life.loop.time()
        while self._deferred and self._deferred[0].due <= now:
            parcel = heappop(self._deferred)
            lane = parcel.lane
            if self._keeps_order:
                lane.parcels.appendleft(parcel)
                self._free(lane)
            else:
                if lane.key is not None:
                    parcel.lane = lane = self._lanes.setdefault(lane.key, lane)
                self._line_up(parcel, lane)
            self._mailbox.wake_sorters()
        self._timer = None
        self._arm()
