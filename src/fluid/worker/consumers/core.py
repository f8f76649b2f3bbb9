"""The private side of a consumer: its mailbox through its lives.

The mailbox itself is in ``mailbox.py``, the loop that most consumers run in ``plain.py``, and what
``get_message()`` takes in ``taking.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ... import events
from ...events import Fate
from ..core import Core
from ..hooks import explain, is_default
from ..life import Life
from ..phase import RUN
from .account import Totals
from .policy import PLAIN, Policy
from .request import bare, give_up_requests
from .taking import TakingCore

if TYPE_CHECKING:
    from ...rules.rate import Bucket
    from ..base import Worker
    from .queue import QueueConsumer


NOTHING = Totals()
"""What there was before the first incarnation."""


class ConsumerCore(TakingCore):
    """The private side of a consumer: its mailbox, and what was asked to be done with messages."""

    __slots__ = ("batch", "before", "bucket", "policy")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.policy: Policy = PLAIN
        self.batch: tuple[int, float]
        """The size and age of a batch, where there are batches."""
        self.bucket: Bucket | None = None
        """What is left of its rate limit; to start this instance again is no way around it."""
        self.before: Totals = NOTHING
        """What was counted in mailboxes of incarnations before, which have gone with them."""

    # --- the life of the consumer ----------------------------------------------------------------

    def _check_options(self, worker: Worker) -> None:
        super()._check_options(worker)
        self.mailbox.check_entry(self, asyncio.get_running_loop())

    def life_begun(self, life: Life) -> None:
        """Binds the mailbox to this life's loop and thread."""
        super().life_begun(life)
        self.mailbox.attach(self, life.loop)

    def ask_to_stop(self) -> None:
        """Closes the mailbox together with the request, not a step later."""
        self._close()
        super().ask_to_stop()

    def force(self) -> None:
        """Closes the mailbox, too, when the stop begins by force."""
        self._close()
        super().force()

    def _close(self) -> None:
        life = self.life
        is_over = life is None or life.outcome is not None or life.is_cleaning
        if not is_over and not self.is_being_replaced():
            self.mailbox.close(self)

    def stop_begun(self) -> None:
        """Closes the mailbox however the stop came about, and lets everybody know."""
        super().stop_begun()
        self._close()
        self.mailbox.wake_all()
        self.mailbox.be_wary(self._has_pool())

    def _has_pool(self) -> bool:
        return self.policy.concurrency > 1

    def is_draining(self) -> bool:
        """Returns whether follow-ups of this consumer's own handlers are still accepted."""
        return self.life is not None and self.life.phase is RUN

    def run_ended(self, error: BaseException | None) -> None:
        """Takes no more messages, and settles what ``get_message()`` has given out."""
        super().run_ended(error)
        self.mailbox.leave(self)
        if self.mailbox.messages:  # which may have been announced to this consumer alone
            self.mailbox.wake_getters()
        self.settle_hands(error)

    def hand_back(self) -> Callable[[], Awaitable[None]] | None:
        """Returns how what is left gets to ``on_undelivered``, if nobody else can take it."""
        mailbox = self.mailbox
        is_over = mailbox.is_closed or self.has_no_next_life()
        return self._undelivered if is_over and mailbox.is_alone(self) and mailbox.size() else None

    async def _undelivered(self) -> None:
        consumer, mailbox = cast("QueueConsumer[Any]", self.owner()), self.mailbox
        items = mailbox.take_all(self)
        messages = [bare(item) for item in items]
        count = len(messages)  # now, because the hook may do with the list what it likes
        if mailbox.has_requests:
            give_up_requests(items, f"consumer {self.name!r}")
        hook = consumer.on_undelivered
        taken = False
        try:
            await hook(messages)
            taken = not is_default(hook)
        except TypeError as error:
            explain(error, "on_undelivered()")
            raise
        finally:
            if taken:
                mailbox.returned += count
            else:
                mailbox.dropped += count
            mailbox.look_again()
            mailbox.release(self)
            self.emit(events.MessagesUndelivered, count, Fate.RETURNED if taken else Fate.DROPPED)

    def life_ended(self, life: Life) -> None:
        """Lets go of the mailbox; says so if messages are left that no cleanup could see to.

        That is when the worker was abandoned, or cancelled before it took a step. They stay where
        they are: the cleanup may still come, or another consumer for the same mailbox.
        """
        super().life_ended(life)
        if life.stop_begun:
            self.mailbox.be_wary(-self._has_pool())
        is_the_last = self.has_no_next_life()
        if is_the_last:
            # Whoever waits for room would wait for ever. The group has heard of this end first, so
            # that its error, not one that follows from the closed mailbox, is what ended the group.
            self.mailbox.close(self)
            self.mailbox.wake_all()
        parent = self.parent()
        if parent is None or not parent.inherits_from(self):
            self.report_left()
        self.mailbox.detach(self, for_good=is_the_last or parent is None)
        if self.wants(events.MessagesAccounted):
            self.emit(events.MessagesAccounted, self.account())

    def report_left(self) -> None:
        """Says so if messages are left, and no other consumer is there for them."""
        account, mailbox = self.mailbox.account(), self.mailbox
        if (left := account.queued + account.in_hand) and mailbox.is_alone(self):
            fate = Fate.DROPPED if mailbox.is_closed else Fate.WAITING
            self.emit(events.MessagesUndelivered, left, fate)

    def never_started(self) -> None:
        """Is told that its group has ended before its turn came: nobody will take anything."""
        super().never_started()
        self._give_up_mailbox()

    def may_leave_something(self) -> bool:
        """Returns whether there is an ``on_undelivered`` of the user's."""
        return not is_default(cast("QueueConsumer[Any]", self.owner()).on_undelivered)

    def _give_up_mailbox(self, *, reports: bool = True) -> None:
        self.mailbox.close(self)
        self.mailbox.wake_all()
        if reports:
            self.report_left()
        self.mailbox.detach(self, for_good=True)

    def has_no_next_life(self) -> bool:
        """Returns whether nobody will take from this very mailbox after the present life."""
        return super().has_no_next_life() or self._has_an_heir_with_another_mailbox()

    def is_being_replaced(self) -> bool:
        """Returns whether producers need not even notice that the consumer is stopping."""
        return super().is_being_replaced() and not self._has_an_heir_with_another_mailbox()

    def _has_an_heir_with_another_mailbox(self) -> bool:
        parent = self.parent()
        return self.mailbox.is_private and parent is not None and parent.renews(self)

    def no_next_life(self, *, hands_back: bool = False) -> None:
        """Closes the mailbox, if nobody will look there any more, or only to drain it.

        As long as nobody has asked this consumer to stop, others may have something to send to it.
        """
        super().no_next_life(hands_back=hands_back)
        life = self.life
        if life is None or life.outcome is not None:
            if self.mailbox.is_closed:
                self.mailbox.detach(self, for_good=True)
            else:
                self._give_up_mailbox(reports=not hands_back)
        elif life.stop_asked:  # so far, to be replaced
            self._close()
            self.mailbox.wake_all()

    def account(self) -> Mapping[str, int]:
        """Returns the account of the mailbox."""
        return self.mailbox.account()._asdict()

    def totals(self) -> Totals:
        """Returns what all incarnations together have counted."""
        totals = self.mailbox.totals()
        return totals if self.before is NOTHING else totals.plus(self.before)

    def follows(self, before: Core) -> None:
        """Goes on from what was counted so far."""
        super().follows(before)
        if isinstance(before, ConsumerCore):
            is_another = before.mailbox is not self.mailbox
            self.before = before.totals() if is_another else before.before

    def own_facts(self, worker: Worker) -> dict[str, Any]:
        """Returns how many messages wait, and what became of all of them."""
        return {"queue_size": self.mailbox.size(), "messages": dict(self.account())}

    # --- handlers --------------------------------------------------------------------------------

    def handling_facts(self) -> dict[str, Any]:
        """Returns counts and times of the mailbox, for ``status()``.

        Another thread gets them as of the last look of the loops.
        """
        mailbox, life = self.mailbox, self.life
        meter, oldest = mailbox.meter, 0.0
        if life is not None and life.outcome is None:
            now = life.loop.time()
            oldest = meter.oldest(now, mailbox.size(), mailbox.accepted())
            if mailbox.is_here():
                mailbox.look(now)
        return {
            "paused": mailbox.is_paused,
            "oldest_age": oldest,
            "failed": meter.failed,
            "retried": meter.retried,
            "abandoned": meter.abandoned,
            "seconds_waited": meter.waited,
            "seconds_handled": meter.handled_for,
        }

    def left_alone(self, handler: asyncio.Task[Any], stack: tuple[str, ...]) -> None:
        """Notes that a handler refuses to end, and that nobody waits for it any more."""
        if self.life is not None:
            self.life.leave_alone(handler)
        self.mailbox.meter.abandoned += 1
        self.emit(events.HandlerAbandoned, stack)
