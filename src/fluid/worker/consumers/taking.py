"""What ``get_message()`` gives out, and what becomes of it.

A message that was given out is in the hand of the task that took it, until that comes back for the
next one or ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ... import tasks
from ..core import Core
from ..life import STOPPING_PAUSE, Life
from ..phase import RUN
from .mailbox import Mailbox
from .plain import SLICE_MESSAGES, SLICE_SECONDS
from .request import Request, bare

if TYPE_CHECKING:
    from ..base import Worker


class TakingCore(Core):
    """The part of a consumer's private side that is behind ``get_message()``."""

    __slots__ = ("hands", "mailbox", "slice_ends", "taken")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.mailbox: Mailbox[Any]
        self.hands: dict[asyncio.Task[Any], Any] = {}
        """What ``get_message()`` has given to each task that has not come back for more."""
        self.taken: int = 0
        """How many messages it has given out since the loop had a step."""
        self.slice_ends: float = 0.0

    def settle_hands(self, error: BaseException | None) -> None:
        """Settles all that was given out: ``run`` has ended, with ``error`` if it has one."""
        for task in reversed(tuple(self.hands)):
            self._settle_hand(task, error)

    async def get(self, timeout: float) -> Any | None:
        """Returns the next message; None when there is none in time."""
        life, mailbox, task = self.life, self.mailbox, asyncio.current_task()
        assert task is not None
        self._settle_hands_of(task)
        await self._wait_for_message(life, timeout)
        if not self._can_take():
            return None
        message = mailbox.messages.popleft()
        if life is not None and life.phase is RUN and life.outcome is None:
            self.hands[task] = message
            mailbox.holders[task] = 1
        else:  # outside of ``run`` nobody would ever settle it
            mailbox.handled += 1
            _answer(message)
        if mailbox.handled >= mailbox.attend_at:
            mailbox.attend()
        return bare(message)

    def _can_take(self) -> bool:
        """Returns whether ``get_message()`` has a message to give; a stop ends a pause for it."""
        mailbox, life = self.mailbox, self.life
        has_to_end = life is not None and life.stop_asked
        return bool(mailbox.messages) and (has_to_end or not mailbox.is_paused)

    async def _wait_for_message(self, life: Life | None, timeout: float) -> None:
        mailbox = self.mailbox
        if not mailbox.messages:
            mailbox.fetch()
        elif life is not None:
            await self._give_way(life)  # and somebody else may be quicker
        if self._can_take():
            return
        if life is None:
            await asyncio.sleep(timeout)
            mailbox.fetch()
        elif mailbox.take_nudge():
            await tasks.pause()
        elif life.stop_asked or life.outcome is not None:
            await asyncio.sleep(min(timeout, STOPPING_PAUSE))
        else:
            await self._arrival(life, timeout)

    async def _arrival(self, life: Life, timeout: float) -> None:
        """Waits for a message, a wake-up, a stop, or ``timeout`` seconds."""
        mailbox, loop = self.mailbox, life.loop
        now = loop.time()
        deadline = now + timeout
        while not (self._can_take() or mailbox.take_nudge() or life.stop_asked):
            await mailbox.next_arrival(loop, deadline)
            now = loop.time()
            if now >= deadline:
                break
        self.taken, self.slice_ends = 0, now + SLICE_SECONDS

    async def _give_way(self, life: Life) -> None:
        """Gives the loop a step when messages have been coming without a wait for a while."""
        self.taken += 1
        now = life.loop.time()
        if self.taken >= SLICE_MESSAGES or now >= self.slice_ends:
            await tasks.pause()
            self.taken, self.slice_ends = 0, life.loop.time() + SLICE_SECONDS

    def _settle_hands_of(self, task: asyncio.Task[Any]) -> None:
        """Settles what ``task`` took before, for it has come back for more.

        What was taken by tasks that have ended is settled with it: they will not come back. On
        Python 3.11, ``asyncio.wait_for(get_message(), 1)`` makes such a task for each message.
        """
        for taker in tuple(self.hands):
            if taker is task or taker.done():
                self._settle_hand(taker, None)

    def _settle_hand(self, task: asyncio.Task[Any], error: BaseException | None) -> None:
        """Settles what ``task`` took, by how it ended, or else by the error that ended ``run``."""
        mailbox, message = self.mailbox, self.hands.pop(task)
        has_failed = _has_failed(task)
        if task.cancelled() or (self._was_cut_by(error) and not has_failed):
            mailbox.put_back(message)
        elif error is not None or has_failed:
            mailbox.dead += 1
            mailbox.look_again()
            _answer(message, error or getattr(task, "_exception", None))
        else:
            mailbox.handled += 1
            _answer(message)
        mailbox.release(task)

    def _was_cut_by(self, error: BaseException | None) -> bool:
        forced = self.life is not None and self.life.facts.forced and error is None
        return forced or isinstance(error, asyncio.CancelledError)


def _answer(item: Any, error: BaseException | None = None) -> None:
    """Answers a request that ``get_message()`` has given out as a message."""
    if type(item) is Request:
        if error is None:
            item.answer(None)
        else:
            item.refuse(error)


def _has_failed(task: asyncio.Task[Any]) -> bool:
    """Returns whether an exception has ended ``task``, and leaves it for its owner to find.

    ``task.exception()`` would count as finding it, and asyncio would keep silent if nobody did.
    """
    return getattr(task, "_exception", None) is not None
