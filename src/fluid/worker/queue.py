"""Consumers: workers that receive messages through ``send()``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import isinf
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .. import events, tasks
from ..errors import FluidValueError
from ..settings import duration
from .base import Worker
from .core import Core
from .hooks import default, is_default
from .life import STOPPING_PAUSE, Life
from .mailbox import Mailbox
from .phase import Phase
from .plain import SLICE_MESSAGES, SLICE_SECONDS, consume

if TYPE_CHECKING:
    from ..dispatcher import AsyncDispatcher

M = TypeVar("M")


class ConsumerCore(Core):
    """The private side of a consumer: its mailbox, and what each task has taken from it."""

    __slots__ = ("hands", "mailbox", "slice_ends", "taken")

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.mailbox: Mailbox[Any]
        self.hands: dict[asyncio.Task[Any], Any] = {}
        """What ``get_message()`` has given to each task that has not come back for more."""
        self.taken: int = 0
        """How many messages it has given out since the loop had a step."""
        self.slice_ends: float = 0.0

    # --- the life of the consumer ----------------------------------------------------------------

    def _check_options(self, worker: Worker) -> None:
        super()._check_options(worker)
        self.mailbox.check_loop(self, asyncio.get_running_loop())

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
        if self.life is not None and self.life.outcome is None:
            self.mailbox.close(self)

    def stop_begun(self) -> None:
        """Closes the mailbox however the stop came about, and lets everybody know."""
        super().stop_begun()
        self.mailbox.close(self)
        self.mailbox.wake_all()

    def is_draining(self) -> bool:
        """Returns whether follow-ups of this consumer's own handlers are still accepted."""
        return self.life is not None and self.life.phase is Phase.RUN

    def run_ended(self, error: BaseException | None) -> None:
        """Takes no more messages, and settles what ``get_message()`` has given out."""
        super().run_ended(error)
        self.mailbox.leave(self)
        for task in reversed(tuple(self.hands)):
            self._settle_hand(task, error)

    def hand_back(self) -> Callable[[], Awaitable[None]] | None:
        """Returns how what is left gets to ``on_undelivered``, if nobody else can take it."""
        mailbox = self.mailbox
        return self._undelivered if mailbox.is_left_by(self) and mailbox.size() else None

    async def _undelivered(self) -> None:
        consumer, mailbox = self.owner(), self.mailbox
        assert isinstance(consumer, QueueConsumer)
        messages = mailbox.take_all(self)
        count = len(messages)  # now, because the hook may do with the list what it likes
        hook = consumer.on_undelivered
        taken = False
        try:
            await hook(messages)
            taken = not is_default(hook)
        finally:
            if taken:
                mailbox.returned += count
            else:
                mailbox.dropped += count
            mailbox.look_again()
            mailbox.release(self)
            self.emit(events.MessagesUndelivered, count, taken)

    def life_ended(self, life: Life) -> None:
        """Lets go of the mailbox; says so if messages are left that no cleanup could see to.

        That is when the worker was abandoned, or cancelled before it took a step. They stay where
        they are: the cleanup may still come, or another consumer for the same mailbox.
        """
        account = self.mailbox.account()
        if (left := account.queued + account.in_hand) and self.mailbox.is_left_by(self):
            self.emit(events.MessagesUndelivered, left, False)
        self.mailbox.detach(self)
        super().life_ended(life)

    def account(self) -> Mapping[str, int]:
        """Returns the account of the mailbox."""
        return self.mailbox.account()._asdict()

    # --- get_message -----------------------------------------------------------------------------

    async def get(self, timeout: float) -> Any | None:
        """Returns the next message; None when there is none in time."""
        life, mailbox, task = self.life, self.mailbox, asyncio.current_task()
        assert task is not None
        self._settle_hands_of(task)
        await self._wait_for_message(life, timeout)
        if not mailbox.messages:
            return None
        message = mailbox.messages.popleft()
        if life is not None and life.phase is Phase.RUN and life.outcome is None:
            self.hands[task] = message
            mailbox.holders[task] = 1
        else:  # outside of ``run`` nobody would ever settle it
            mailbox.handled += 1
        if mailbox.handled >= mailbox.attend_at:
            mailbox.attend()
        return message

    async def _wait_for_message(self, life: Life | None, timeout: float) -> None:
        mailbox = self.mailbox
        if not mailbox.messages:
            mailbox.fetch()
        elif life is not None:
            await self._give_way(life)  # and somebody else may be quicker
        if mailbox.messages:
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
        while not (mailbox.messages or mailbox.take_nudge() or life.stop_asked):
            future = mailbox.arrival(loop)
            timer = None
            if not isinf(timeout):
                timer = loop.call_at(deadline, mailbox.time_is_up, future)
            try:
                await future
            except BaseException:
                mailbox.missed(future)
                raise
            finally:
                if timer is not None:
                    timer.cancel()
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
        if task.cancelled() or self._was_cut_by(error):
            mailbox.put_back(message)
        elif error is not None:
            mailbox.dead += 1
            mailbox.look_again()
        else:
            mailbox.handled += 1
        mailbox.release(task)

    def _was_cut_by(self, error: BaseException | None) -> bool:
        forced = self.life is not None and self.life.facts.forced and error is None
        return forced or isinstance(error, asyncio.CancelledError)


class QueueConsumer(Worker, Generic[M]):
    """A worker that receives messages: subclass it and take them with ``get_message()``.

    ::

        import asyncio

        from fluid.utils.worker import QueueConsumer


        class Greeter(QueueConsumer[str]):
            async def run(self) -> None:
                while self.is_running() or self.queue_size():
                    name = await self.get_message()
                    if name is not None:
                        print(f"hello {name}")


        async def main() -> None:
            async with Greeter() as greeter:
                greeter.send("world")


        asyncio.run(main())

    What was accepted before a stop is still handled, within the grace period; from the stop on
    nothing more is accepted, except from the consumer's own handlers.

    Args:
        name: As for every worker.
        stopping_grace_period: As for every worker.
        maxsize: The most messages that may wait; 0 for no limit.
        mailbox: A mailbox of your own, in place of a new one.

    Raises:
        FluidValueError: If both ``maxsize`` and ``mailbox`` are given, or one of them is not valid.
    """

    _worker_core_type = ConsumerCore
    _worker: ConsumerCore

    def __init__(
        self,
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        maxsize: int = 0,
        mailbox: Mailbox[M] | None = None,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        if mailbox is not None and maxsize:
            raise FluidValueError(
                f"consumer {self._worker.name!r} was given a mailbox and a maxsize of {maxsize}; "
                f"the limit belongs to the mailbox: Mailbox(maxsize={maxsize})"
            )
        self._worker.mailbox = Mailbox(maxsize=maxsize) if mailbox is None else mailbox

    @property
    def worker_mailbox(self) -> Mailbox[M]:
        """The mailbox, which may be given to producers in place of the consumer."""
        return self._worker.mailbox

    def send(self, message: M | None) -> None:
        """Accepts ``message`` at once, also before the start. From any thread.

        None is a wake-up: a waiting ``get_message()`` returns.

        Raises:
            MailboxFull: If there is no room; ``put()`` waits for some.
            ConsumerClosed: If the consumer was asked to stop.
        """
        self._worker.mailbox.send(message)

    async def put(self, message: M | None) -> None:
        """Accepts ``message`` as soon as there is room.

        Raises:
            ConsumerClosed: If the consumer was asked to stop, also while it waits.
            WrongLoopError: If awaited on another loop than the consumer's.

        Cancellation: Safe; the message was not accepted.
        """
        await self._worker.mailbox.put(message)

    def put_threadsafe(self, message: M | None, timeout: float | None = None) -> None:
        """Blocks the calling thread until there is room for ``message``.

        Args:
            message: What to send.
            timeout: Seconds to wait at the most; None for no limit.

        Raises:
            TimeoutError: If there was no room in time; the message was not accepted.
            ConsumerClosed: If the consumer was asked to stop, also while it waits.
            FluidError: If called on the thread of an event loop, which it would block.
        """
        self._worker.mailbox.put_threadsafe(message, timeout)

    async def get_message(self, timeout: float = 0.5) -> M | None:
        """Returns the next message, also one that still waits after a stop was asked for.

        A message counts as handled when the task that took it comes back for the next one, or
        when ``run`` returns; as dead when ``run`` raises; and it goes back to the front when
        ``run`` is cancelled.

        Args:
            timeout: Seconds to wait at the most.

        Returns:
            The message; None on time-out, on a wake-up, or when the consumer has to stop and
            nothing is left.

        Cancellation: Safe; no message is taken.
        """
        duration(f"timeout of get_message() of consumer {self._worker.name!r}", timeout)
        message: M | None = await self._worker.get(timeout)
        return message

    def queue_size(self) -> int:
        """Returns how many messages wait."""
        return self._worker.mailbox.size()

    async def join(self) -> None:
        """Waits until everything that has been accepted so far is settled.

        Cancellation: Safe.
        """
        await self._worker.mailbox.join()

    @default
    async def on_undelivered(self, messages: Sequence[M]) -> None:
        """Is awaited with what is left when the consumer has to end before it could handle it.

        It runs before ``on_shutdown``, within the cleanup period. Without an override the
        messages are lost, which is counted (``dropped``) and reported.
        """

    async def status(self) -> dict[str, Any]:
        """Returns what every worker says, with ``queue_size`` and the account of ``messages``."""
        facts = await super().status()
        account = dict(self._worker.account())
        return {**facts, "queue_size": self.queue_size(), "messages": account}


class QueueConsumerWorker(QueueConsumer[M]):
    """A consumer that awaits a function for each message.

    ::

        import asyncio

        from fluid.utils.worker import QueueConsumerWorker


        async def greet(name: str) -> None:
            print(f"hello {name}")


        async def main() -> None:
            async with QueueConsumerWorker(greet) as consumer:
                consumer.send("world")


        asyncio.run(main())

    An exception from the function ends the worker; the message is ``dead``, and what is queued
    stays in the mailbox.

    Args:
        on_message: The function; the attribute of that name is read for each message.
        name: As for every worker.
        stopping_grace_period: As for every worker.
        maxsize: The most messages that may wait; 0 for no limit.
        mailbox: A mailbox of your own, in place of a new one.

    Raises:
        FluidValueError: If ``on_message`` is not a function.
    """

    def __init__(
        self,
        on_message: Callable[[M], Awaitable[None]],
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        maxsize: int = 0,
        mailbox: Mailbox[M] | None = None,
    ) -> None:
        super().__init__(
            name=name,
            stopping_grace_period=stopping_grace_period,
            maxsize=maxsize,
            mailbox=mailbox,
        )
        if not callable(on_message):
            raise FluidValueError(
                f"on_message of consumer {self._worker.name!r} is not a function: {on_message!r}"
            )
        self.on_message = on_message

    async def run(self) -> None:
        """Handles messages until a stop is asked for and none is left."""
        core = self._worker
        assert core.life is not None
        await consume(self, core.mailbox, core.life)


class AsyncConsumer(QueueConsumer[M]):
    """A consumer that gives each message to a dispatcher.

    ::

        import asyncio

        from fluid.utils.dispatcher import AsyncDispatcher
        from fluid.utils.worker import AsyncConsumer


        class Names(AsyncDispatcher[str]):
            def event_type(self, message: str) -> str:
                return "person" if message.istitle() else "thing"


        async def greet(name: str) -> None:
            print(f"hello {name}")


        async def main() -> None:
            names = Names()
            names.register_handler("person", greet)
            async with AsyncConsumer(names) as consumer:
                consumer.send("Ada")
                consumer.send("bicycle")


        asyncio.run(main())

    Args:
        dispatcher: The dispatcher; the attribute of that name is read for each message.
        name: As for every worker.
        stopping_grace_period: As for every worker.
        maxsize: The most messages that may wait; 0 for no limit.
        mailbox: A mailbox of your own, in place of a new one.
    """

    def __init__(
        self,
        dispatcher: AsyncDispatcher[M],
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        maxsize: int = 0,
        mailbox: Mailbox[M] | None = None,
    ) -> None:
        super().__init__(
            name=name,
            stopping_grace_period=stopping_grace_period,
            maxsize=maxsize,
            mailbox=mailbox,
        )
        self.dispatcher = dispatcher

    @property
    def on_message(self) -> Callable[[M], Awaitable[int]]:
        """What handles the next message: the dispatcher's ``dispatch``."""
        return self.dispatcher.dispatch

    async def run(self) -> None:
        """Dispatches messages until a stop is asked for and none is left."""
        core = self._worker
        assert core.life is not None
        await consume(self, core.mailbox, core.life)
