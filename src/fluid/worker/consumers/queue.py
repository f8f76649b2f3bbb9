"""The base of the consumers: workers that receive messages through ``send()``."""

from __future__ import annotations

from collections.abc import Sequence
from threading import get_ident
from typing import Any, Generic, TypeVar

from ...errors import FluidValueError
from ...settings import duration
from ..base import Worker
from ..hooks import default
from .core import ConsumerCore
from .mailbox import Mailbox

M = TypeVar("M")


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
        mailbox: A mailbox of your own, in place of a new one; None for a new one.

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
        if mailbox is not None and not isinstance(mailbox, Mailbox):
            raise FluidValueError(
                f"mailbox of consumer {self._worker.name!r} is not a Mailbox: {mailbox!r}"
            )
        if mailbox is None:
            mailbox = Mailbox(maxsize=maxsize)
            mailbox.is_private = True
        self._worker.mailbox = mailbox

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
        mailbox = self._worker.mailbox
        if get_ident() == mailbox.short_way and message is not None:  # as there, a frame less
            mailbox.messages.append(message)
            mailbox.sent += 1
            if mailbox.getters:
                mailbox.wake_getter()
        else:
            mailbox.send(message)

    async def put(self, message: M | None) -> None:
        """Accepts ``message`` as soon as there is room, first come first served.

        A handler must not wait for room in its own consumer: that would have to go on to make some.

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
        when ``run`` returns; as dead when that task or ``run`` raises; and it goes back to the
        front when one of them is cancelled.

        Args:
            timeout: Seconds to wait at the most; 0.5 by default, ``math.inf`` for no limit.

        Returns:
            The message; None on time-out, on a wake-up, or when the consumer has to stop and
            nothing is left.

        Raises:
            FluidValueError: If ``timeout`` is no duration.

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

        Raises:
            ConsumerClosed: If the consumer has ended before, also while it waits. In a mailbox
                that you made yourself it waits for the next one.
            WrongLoopError: If awaited on another loop than the consumer's.

        Cancellation: Safe.
        """
        await self._worker.mailbox.join()

    def pause(self) -> None:
        """Lets no more messages be taken until ``resume()``; what is in hand is finished.

        Messages are accepted as before. A stop that is asked for meanwhile drains nothing: what
        waits goes to ``on_undelivered`` as soon as nothing is in hand. (A ``run()`` of your own
        gets its messages from ``get_message()`` then, and decides for itself.) From any thread.
        """
        self._worker.mailbox.pause()

    def resume(self) -> None:
        """Lets messages be taken again. From any thread."""
        self._worker.mailbox.resume()

    @default
    async def on_undelivered(self, messages: Sequence[M]) -> None:
        """Is awaited with what is left when the consumer has to end before it could handle it.

        It runs before ``on_shutdown``, within the cleanup period. When it has returned, they count
        as ``returned``. Without an override, or if that raises, they are lost, which is counted
        (``dropped``) and reported. A handler may have begun with some of them.

        Args:
            messages: What is left, oldest first.

        Cancellation: Comes when the cleanup period is over; what was left is then ``dropped``.
        """

    async def status(self) -> dict[str, Any]:
        """Returns what every worker says, with ``queue_size`` and the account of ``messages``.

        Cancellation: Safe.
        """
        return {**await super().status(), **self._worker.own_facts(self)}
