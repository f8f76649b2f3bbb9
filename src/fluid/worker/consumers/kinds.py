"""The consumers that have a handler: for each message, or for a batch of them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import FluidValueError
from ...settings import duration
from ..hooks import checked_handler, default
from .mailbox import Mailbox
from .policy import Policy, checked
from .queue import QueueConsumer
from .serving import handling_of, serve

if TYPE_CHECKING:
    from typing import Unpack

    from ...dispatcher import AsyncDispatcher
    from ...rules.rate import RateLimit
    from ...rules.retry import Retry
    from .options import CommonOptions, HandlingOptions

M = TypeVar("M")


class HandlingConsumer(QueueConsumer[M]):
    """The base of the consumers that have a handler, and of their options.

    ::

        import asyncio

        from fluid import QueueConsumerWorker, Retry


        async def fetch(page: int) -> None:
            async with asyncio.timeout(1):
                print("fetching page", page)


        async def main() -> None:
            retry = Retry(on=TimeoutError, attempts=3)
            async with QueueConsumerWorker(fetch, concurrency=2, retry=retry) as consumer:
                for page in range(4):
                    consumer.send(page)


        asyncio.run(main())

    Args:
        name: As for every worker.
        stopping_grace_period: As for every worker.
        maxsize: The most messages that may wait; 0 for no limit.
        mailbox: A mailbox of your own, in place of a new one; None for a new one.
        concurrency: The most messages that are handled at once; 1 for one after the other.
        key: Returns the key of a message. Messages of one key are handled one after the other, in
            order, and those of different keys in turn, so that none has to wait for long behind a
            key that has many. What it raises is the failure of that message. None for no keys.
        handler_timeout: Seconds after which a handler is cancelled and its message has failed with
            a ``HandlerTimeoutError``. It is cancelled again after a ``cancel_period``, and left
            alone after another one. None for no limit. Each call then runs in a task of its own.
        retry: Which messages are tried again when their handler has raised, and when; None for
            none.
        rate_limit: How many messages may begin in a period, whatever the concurrency; another
            attempt counts as well. None for no limit.
        on_dead_letter: What takes the messages that have failed for the last time, in place of the
            method of that name; None for that method.

    Raises:
        FluidValueError: If one of them cannot work.
    """

    def __init__(
        self,
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        maxsize: int = 0,
        mailbox: Mailbox[M] | None = None,
        concurrency: int = 1,
        key: Callable[[M], Hashable] | None = None,
        handler_timeout: float | None = None,
        retry: Retry | None = None,
        rate_limit: RateLimit | None = None,
        on_dead_letter: Callable[[M, BaseException, int], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(
            name=name,
            stopping_grace_period=stopping_grace_period,
            maxsize=maxsize,
            mailbox=mailbox,
        )
        core = self._worker
        policy = Policy(
            concurrency=concurrency,
            key=key,
            handler_timeout=handler_timeout,
            retry=retry,
            rate_limit=rate_limit,
        )
        core.policy = checked(policy, core.name)
        if on_dead_letter is not None:
            checked_handler(on_dead_letter, f"on_dead_letter of consumer {core.name!r}")
            self.on_dead_letter = on_dead_letter  # type: ignore[method-assign, assignment]

    @default
    async def on_dead_letter(self, message: M, error: BaseException, attempts: int) -> None:
        """Is awaited with each message whose handler has raised for the last time.

        With an override, or a function given as ``on_dead_letter``, the consumer goes on when it
        has returned; what it raises ends the consumer. Without one the handler's error does.
        Either way the message is ``dead``.

        Args:
            message: The message.
            error: What its handler raised the last time.
            attempts: How often it was tried in this life of the consumer.

        Cancellation: The message goes back to the front of the queue, as one in hand does.
        """

    async def status(self) -> dict[str, Any]:
        """Returns what every consumer says, with ``handling``: counts, and times in seconds.

        The counts are exact. The times are those of the last looks at the queue, of which this is
        one; the guide to back-pressure has them one by one, with how exact they are.

        Cancellation: Safe.
        """
        return {**await super().status(), "handling": self._worker.handling_facts()}


class QueueConsumerWorker(HandlingConsumer[M]):
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

    An exception from the function ends the worker, unless ``retry`` or ``on_dead_letter`` say
    otherwise; the message is ``dead``, and what is queued stays in the mailbox.

    Args:
        on_message: The function; the attribute of that name is read for each message. None if a
            subclass has a method of that name.
        **options: See :class:`HandlingConsumer`.

    Raises:
        FluidValueError: If ``on_message`` is not a function, or an option cannot work.
    """

    on_message: Callable[[M], Awaitable[Any]]

    def __init__(
        self,
        on_message: Callable[[M], Awaitable[Any]] | None = None,
        **options: Unpack[HandlingOptions[M]],
    ) -> None:
        super().__init__(**options)
        if on_message is not None:
            self.on_message = on_message
        subject = f"on_message of consumer {self._worker.name!r}"
        checked_handler(getattr(self, "on_message", None), subject)

    async def request(self, message: M) -> Any:
        """Sends ``message`` and waits for what its handler returns, or raises what it raises.

        An error of the handler goes to whoever waits here, after the last attempt, and the consumer
        goes on. If nobody waits any more, it is the error of a message like any other. Where there
        is no room, it waits for some first.

        Raises:
            ConsumerClosed: If the consumer was asked to stop, or ended before it could answer.
            FluidError: If the handler was cancelled, or raised what is no ``Exception``.
            FluidValueError: If ``message`` is None, which is no message.
            WorkerDeadlockError: If called by a handler of this consumer.
            WrongLoopError: If awaited on another loop than the consumer's.

        Cancellation: Safe; the message is handled all the same if it was accepted.
        """
        return await self._worker.mailbox.request(message)

    async def run(self) -> None:
        """Handles messages until a stop is asked for and none is left.

        Cancellation: Goes to the handlers that run; their messages go back to the front.
        """
        await serve(self, self._worker, self.on_dead_letter)


class AsyncConsumer(HandlingConsumer[M]):
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
        **options: See :class:`HandlingConsumer`.

    Raises:
        FluidValueError: If ``dispatcher`` is none, or an option cannot work.
    """

    def __init__(
        self, dispatcher: AsyncDispatcher[M], **options: Unpack[HandlingOptions[M]]
    ) -> None:
        super().__init__(**options)
        if isinstance(dispatcher, type):
            raise FluidValueError(
                f"consumer {self._worker.name!r} was given a class of dispatchers; "
                f"make one:  {dispatcher.__name__}()"
            )
        if not inspect.iscoroutinefunction(getattr(dispatcher, "dispatch", None)):
            raise FluidValueError(
                f"consumer {self._worker.name!r} was given no AsyncDispatcher: {dispatcher!r}"
            )
        self.dispatcher = dispatcher

    @property
    def on_message(self) -> Callable[[M], Awaitable[int]]:
        """What handles the next message: the dispatcher's ``dispatch``."""
        return self.dispatcher.dispatch

    async def run(self) -> None:
        """Dispatches messages until a stop is asked for and none is left.

        Cancellation: Goes to the handlers that run; their messages go back to the front.
        """
        await serve(self, self._worker, self.on_dead_letter)


class BatchConsumer(HandlingConsumer[M]):
    """A consumer that awaits a function for a batch of messages.

    ::

        import asyncio

        from fluid import BatchConsumer


        async def store(rows: list[str]) -> None:
            print("storing", rows)


        async def main() -> None:
            async with BatchConsumer(store, size=2, age=1.0) as consumer:
                for row in "a", "b", "c":
                    consumer.send(row)


        asyncio.run(main())

    A batch is handled when it is full, when its first message has waited for ``age`` seconds, or
    when a stop was asked for. Until then its messages stay in the mailbox.

    If the function raises, all messages of the batch have failed; if it raises
    ``MessagesFailed``, those that this names. What is tried again is tried together, as a smaller
    batch and before any other message, whatever ``keeps_order`` of its ``retry`` says. With
    ``on_dead_letter`` each message comes by itself.

    Args:
        on_batch: The function; the attribute of that name is read for each batch. None if a
            subclass has a method of that name.
        size: The most messages in a batch; 100 by default.
        age: Seconds that a message waits at most for others to come; 1 by default.
        **options: See :class:`HandlingConsumer`; there is no ``concurrency`` and no ``key``. The
            time limit and the rate limit are for the calls of the function.

    Raises:
        FluidValueError: If ``on_batch`` is not a function, an option cannot work, or a batch does
            not fit in the mailbox.
    """

    on_batch: Callable[[list[M]], Awaitable[Any]]

    def __init__(
        self,
        on_batch: Callable[[list[M]], Awaitable[Any]] | None = None,
        *,
        size: int = 100,
        age: float = 1.0,
        **options: Unpack[CommonOptions[M]],
    ) -> None:
        super().__init__(**options)
        name, maxsize = self._worker.name, self.worker_mailbox.maxsize
        if on_batch is not None:
            self.on_batch = on_batch
        checked_handler(getattr(self, "on_batch", None), f"on_batch of consumer {name!r}")
        if type(size) is not int or size < 1:
            raise FluidValueError(
                f"size of consumer {name!r} is not a whole number, 1 or more: {size!r}"
            )
        if 0 < maxsize < size:
            raise FluidValueError(
                f"a batch of {size} messages never fits in the mailbox of consumer {name!r}, "
                f"whose maxsize is {maxsize}"
            )
        policy = self._worker.policy
        if policy.concurrency != 1 or policy.key is not None:
            raise FluidValueError(
                f"consumer {name!r} handles one batch at a time: it has no concurrency and no key; "
                f"two BatchConsumers may share a mailbox, and then no order is kept"
            )
        self._worker.batch = size, duration(f"age of consumer {name!r}", age)

    async def run(self) -> None:
        """Handles batches until a stop is asked for and nothing is left.

        Cancellation: Goes to the function that runs; the messages of its batch go back to the
        front.
        """
        from .batch import Batches

        core = self._worker
        assert core.life is not None
        hook = self.on_dead_letter
        handling = handling_of(core, core.life, lambda: self.on_batch, hook, takes_batches=True)
        await Batches(core.mailbox, handling, *core.batch).run()
