"""The pool of a consumer: several loops over one mailbox, and their common end.

A loop of a pool is made for handlers that wait. While one does, the others have their turn, and so
has everybody else. Only if none of them has handled anything meanwhile, it looks at the clock, and
gives way when it has held the event loop for its share of the time.

When one of them fails, the consumer has failed, and the others are cancelled: what they have in
hand goes back.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from ... import tasks
from ...clock import clock_of
from ..crew import Crew
from .plain import (
    SLICE_MESSAGES,
    SLICE_SECONDS,
    Over,
    Settled,
    failed,
    is_over,
)

if TYPE_CHECKING:
    from ..life import Life
    from .core import ConsumerCore
    from .protocols import Answering, HasOnMessage, Source


class Pool:
    """The loops of one life of a consumer.

    Args:
        core: The consumer's private side.
        life: That life.
        size: How many.
    """

    def __init__(self, core: ConsumerCore, life: Life, size: int) -> None:
        self.size: int = size
        self._core: ConsumerCore = core
        self._life: Life = life
        self._crew: Crew = Crew(life, leave=self._leave, on_cut=self._cut, on_end=self._ended)
        self._answering: Answering | None = None
        self._busy: int = 0
        """How many of the loops have a message in hand, and may be about to send others."""
        self._unaware: int = 0
        """How many of the loops have a handler that answers no requests."""

    async def run(
        self, worker: HasOnMessage[Any], source: Source | None, answering: Answering | None
    ) -> None:
        """Runs the loops until all have ended; raises what the first that failed has raised.

        Args:
            worker: Who handles the messages.
            source: Where they come from; None for the mailbox itself.
            answering: Where to get one who answers requests; None if this one does. Each loop asks
                for it when there is a first request, without waiting for the handlers of others.

        Cancellation: All of them are cancelled each time, and waited for.
        """
        self._answering = answering
        self._unaware = 0 if answering is None else self.size
        self._core.mailbox.unaware += self._unaware
        source = self._core.mailbox if source is None else source  # an empty one is false
        for number in range(self.size):
            loop = self._consume(worker, source, answers=answering is None)
            self._crew.spawn(loop, f"{self._core.name} {number + 1}")
        try:
            await self._crew.ended()
        finally:
            self._core.mailbox.unaware -= self._unaware

    async def _consume(self, worker: HasOnMessage[Any], source: Source, *, answers: bool) -> None:
        """One loop: as the plain one, except for when it gives way.

        It raises nothing but its own cancel: out of a task, some errors would end the event loop.
        """
        life, mailbox = self._life, self._core.mailbox
        messages, holders, meter = source.messages, mailbox.holders, mailbox.meter
        take, me, now = messages.popleft, object(), clock_of(life.loop)
        share = SLICE_SECONDS / self.size
        was_idle = True
        while not self._is_over(source):
            if mailbox.has_requests > answers:
                worker, answers = self._who_answers(), True
            if not messages or mailbox.is_paused:
                if not (messages or mailbox.aside):
                    was_idle, meter.woke_at = True, inf
                else:
                    was_idle, moment = False, now()
                    meter.woke_at = min(meter.woke_at, moment)
                    mailbox.look(moment)
                await mailbox.next_arrival(life.loop)
                continue
            began = now()
            if was_idle:
                was_idle, meter.woke_at = False, began
            handled, alone, held_since, turn = mailbox.handled, -1, began, 0
            holders[me] = 1
            self._busy += 1
            try:
                for turn in range(SLICE_MESSAGES):
                    try:
                        message = take()
                    except IndexError:  # another loop was quicker, or what is left has to wait
                        alone = turn
                        break
                    if handled >= mailbox.attend_at:
                        mailbox.attend(me)
                        is_unaware = mailbox.has_requests > answers
                        if is_unaware or mailbox.is_paused or self._is_over(source):
                            source.put_back(message)
                            break
                    handle = worker.on_message
                    await handle(message)
                    others = mailbox.handled
                    mailbox.handled = others + 1
                    if others == handled:  # no other loop had a turn: perhaps nobody had
                        was_alone, alone = alone == turn - 1, turn
                        if not was_alone:
                            held_since = now()
                        elif now() - held_since >= share:
                            break
                    if not messages:
                        break
                    handled = others + 1
            except Settled as settled:
                alone = turn
                if isinstance(settled, Over):
                    source.put_back(message)
                    return
            except BaseException as error:
                failed(worker, mailbox, source, message, error)
                self._crew.note(error)
                return
            finally:
                message = None
                del holders[me]
                self._busy -= 1
                ended = now()
                meter.handled_for += ended - began
                if messages:
                    mailbox.look(ended)
                if mailbox.handled >= mailbox.attend_at:
                    mailbox.attend(me)
            if messages and alone == turn:
                await tasks.pause()

    def _is_over(self, source: Source) -> bool:
        """Returns whether a loop has to end, or to see at the top whether it has."""
        life, mailbox = self._life, self._core.mailbox
        is_cut = self._crew.is_cut
        return is_cut or (life.stop_asked and is_over(source, mailbox, life, self._busy))

    def _who_answers(self) -> HasOnMessage[Any]:
        """Returns who answers requests, to one loop more."""
        assert self._answering is not None
        self._unaware -= 1
        self._core.mailbox.unaware -= 1
        return self._answering()

    def _cut(self) -> None:
        self._core.mailbox.be_wary(len(self._crew))

    def _leave(self, loop: asyncio.Task[Any]) -> None:
        self._core.left_alone(loop, tasks.await_stack(loop))

    def _ended(self) -> None:
        mailbox = self._core.mailbox
        if self._crew.is_cut:
            mailbox.be_wary(-1)
        mailbox.wake_sorters()  # for another one to see that there is nothing left
