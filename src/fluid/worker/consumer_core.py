"""The private side of a consumer: its mailbox through its life, and what ``get_message()`` takes.

The mailbox itself is in ``mailbox.py``, the loop that most consumers run in ``plain.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from .. import events, tasks
from ..events import Fate
from .core import Core
from .hooks import LESSON, is_default, was_plain
from .life import STOPPING_PAUSE, Life
from .mailbox import Mailbox
from .phase import RUN
from .plain import SLICE_MESSAGES, SLICE_SECONDS
from .policy import PLAIN, Policy
from .request import Request, bare, give_up_requests

if TYPE_CHECKING:
    from ..rules.rate import Bucket
    from .base import Worker
    from .queue import QueueConsumer


class ConsumerCore(Core):
    """The private side of a consumer: its mailbox, and what each task has taken from it."""

    __slots__ = (
        "batch",
        "bucket",
        "hands",
        "mailbox",
        "policy",
        "slice_ends",
        "stragglers",
        "taken",
    )

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.mailbox: Mailbox[Any]
        self.policy: Policy = PLAIN
        self.batch: tuple[int, float]
        """The size and age of a batch, where there are batches."""
        self.bucket: Bucket | None = None
        """What is left of its rate limit; to start this instance again is no way around it."""
        self.stragglers: dict[asyncio.Task[Any], None] = {}
        """Handlers of this life that refused to end, and still run."""
        self.hands: dict[asyncio.Task[Any], Any] = {}
        """What ``get_message()`` has given to each task that has not come back for more."""
        self.taken: int = 0
        """How many messages it has given out since the loop had a step."""
        self.slice_ends: float = 0.0

    # --- the life of the consumer ----------------------------------------------------------------

    def _check_options(self, worker: Worker) -> None:
        super()._check_options(worker)
        self.mailbox.check_entry(self, asyncio.get_running_loop())

    def life_begun(self, life: Life) -> None:
        """Binds the mailbox to this life's loop and thread."""
        super().life_begun(life)
        self.stragglers = {}
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
        if self.life is not None and not all(handler.done() for handler in self.stragglers):
            self.life.facts.abandoned = True
        self.mailbox.leave(self)
        if self.mailbox.messages:  # which may have been announced to this consumer alone
            self.mailbox.wake_getters()
        for task in reversed(tuple(self.hands)):
            self._settle_hand(task, error)

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
            if was_plain(error):
                error.add_note(f"on_undelivered() {LESSON}")
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

    # --- handlers --------------------------------------------------------------------------------

    def handling_facts(self) -> dict[str, Any]:
        """Returns counts and times of the mailbox, for ``status()``."""
        mailbox, life = self.mailbox, self.life
        meter, oldest = mailbox.meter, 0.0
        if life is not None and life.outcome is None:
            now, size, accepted = life.loop.time(), mailbox.size(), mailbox.accepted()
            oldest = meter.oldest(now, size, accepted)
            meter.look(now, size, accepted)
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
        stragglers = self.stragglers
        stragglers[handler] = None
        handler.add_done_callback(lambda task: stragglers.pop(task, None))
        self.mailbox.meter.abandoned += 1
        self.emit(events.HandlerAbandoned, stack)

    # --- get_message -----------------------------------------------------------------------------

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
