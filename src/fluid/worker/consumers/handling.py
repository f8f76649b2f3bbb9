"""What wraps a handler: the rate limit, the time limit, another try, the answer, the dead letter.

One :class:`Handling` serves one life of a consumer, whichever loop it runs. It settles for itself
what the loop cannot know of, and says so by raising :class:`Settled`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from ... import events, tasks
from ...errors import HandlerTimeoutError
from ..hooks import explain, is_default, was_taught
from .plain import Over, Settled, was_cancelled
from .request import Request, bare
from .time_limit import LimitedCall, Overrun

if TYPE_CHECKING:
    from ...rules.rate import Bucket
    from ..life import Life
    from .core import ConsumerCore
    from .policy import Policy

Handler: TypeAlias = Callable[[Any], Awaitable[Any]]
OnDeadLetter: TypeAlias = Callable[[Any, BaseException, int], Awaitable[None]]


class Handling:
    """How one life of a consumer handles its messages.

    Args:
        core: The consumer's private side.
        life: That life.
        policy: What was asked for.
        handler: Returns the handler, for each attempt anew.
        on_dead_letter: The hook for messages that have failed for the last time.
    """

    def __init__(
        self,
        core: ConsumerCore,
        life: Life,
        policy: Policy,
        handler: Callable[[], Handler],
        on_dead_letter: OnDeadLetter,
    ) -> None:
        self.core: ConsumerCore = core
        self.life: Life = life
        self.policy: Policy = policy
        self._handler: Callable[[], Handler] = handler
        self._on_dead_letter: OnDeadLetter | None = (
            None if is_default(on_dead_letter) else on_dead_letter
        )
        self._random: Random = Random(None if policy.retry is None else policy.retry.seed)
        if policy.rate_limit is not None and core.bucket is None:
            from ...rules.rate import Bucket

            core.bucket = Bucket(policy.rate_limit)

    # --- one message -----------------------------------------------------------------------------

    @property
    def on_message(self) -> Handler:
        """Handles a message to its end, in place: those behind it wait for its other attempts."""
        return self._handle

    async def _handle(self, item: Any) -> None:
        attempts = 1
        while (due := await self.attempt(item, attempts)) is not None:
            attempts += 1
            if not await self.wait_until(due):
                raise Over

    async def attempt(self, item: Any, attempts: int) -> float | None:
        """Tries to handle a message; returns when it is to be tried again, if it is.

        Args:
            item: The message, or a request.
            attempts: How often it has been tried, with this time.

        Raises:
            Settled: If the message has died, and that was all.
            Over: If there is no time left for it.
            BaseException: What the handler raised, if that has to end the consumer.
        """
        try:
            result = await self.call(bare(item))
        except Over:
            raise
        except BaseException as error:
            return await self.failed(item, error, attempts)
        if type(item) is Request:
            item.answer(result)
        return None

    async def call(self, argument: Any) -> Any:
        """Awaits the handler once, within its limits.

        Raises:
            Over: If the rate limit lets no more begin in the time that is left.
        """
        if self.core.bucket is not None:
            await self._wait_for_turn(self.core.bucket)
        handler = self._handler()
        try:
            if self.policy.handler_timeout is None:
                return await handler(argument)
            return await self._call_limited(handler, argument, self.policy.handler_timeout)
        except TypeError as error:
            explain(error, "the handler", handler)
            raise

    async def _wait_for_turn(self, bucket: Bucket) -> None:
        """Waits until the rate limit lets another call begin."""
        is_in_time = False
        try:
            is_in_time = await self.wait_until(bucket.take(self.life.loop.time()))
        finally:
            if not is_in_time:
                bucket.give_back()
        if not is_in_time:
            raise Over

    async def _call_limited(self, handler: Handler, argument: Any, limit: float) -> Any:
        core, life = self.core, self.life
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # a cancel that came with the end of the last
            await tasks.pause()  # call is seen now, not passed on from one quick call to the next

        async def work() -> Any:  # so that what a plain function does wrong happens in there
            try:
                return await handler(argument)
            except TypeError as error:
                explain(error, "the handler", handler)
                raise

        call = LimitedCall(
            work,
            loop=life.loop,
            name=f"{core.name} handler",
            limit=limit,
            period=life.worker_alive().cancel_period,
            on_left=core.left_alone,
        )
        try:
            return await call.result()
        except Overrun as overrun:
            raise HandlerTimeoutError(
                f"a handler of consumer {core.name!r} did not end within {limit:g} seconds"
                + (", nor when it was cancelled; it still runs" if overrun.left else ""),
                timeout=limit,
                stack=overrun.stack,
                abandoned=overrun.left,
            ) from None

    # --- what follows a failure ------------------------------------------------------------------

    async def failed(self, item: Any, error: BaseException, attempts: int) -> float | None:
        """Decides what becomes of a message whose handler has raised; as :meth:`attempt`."""
        try:
            wait = self.wait_before_retry(error, attempts)
            if wait is None:
                await self.bury(item, error, attempts)
                raise Settled
            return self.life.loop.time() + wait
        finally:
            del error  # its traceback leads to this frame

    def wait_before_retry(self, error: BaseException, attempts: int) -> float | None:
        """Returns for how long to wait before the next attempt; None if there is none.

        Raises:
            BaseException: ``error``, if it was not the handler's failure but the end of the task,
                or a mistake in the program that would fail every message.
        """
        if was_cancelled(error) or was_taught(error):
            raise error
        retry = self.policy.retry
        still_runs = isinstance(error, HandlerTimeoutError) and error.abandoned
        if retry is None or still_runs:
            return None
        wait = retry.wait(attempts, error, self._random)
        if wait is not None:
            meter = self.core.mailbox.meter
            meter.failed += 1
            meter.retried += 1
        return wait

    async def bury(self, item: Any, error: BaseException, attempts: int) -> None:
        """Sees to a message that has failed for the last time.

        Raises:
            BaseException: ``error`` if nobody wants to hear of it, or what the hook raised; the
                message is then for the loop to count.
        """
        try:
            is_heard = type(item) is Request and item.refuse(error)
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise error
            if not is_heard:
                if self._on_dead_letter is None:
                    raise error
                try:
                    await self._on_dead_letter(bare(item), error, attempts)
                except TypeError as wrong:
                    explain(wrong, "on_dead_letter()")
                    raise
                self.core.emit(events.MessageDied, attempts, error)
            mailbox = self.core.mailbox
            mailbox.dead += 1
            mailbox.meter.failed += 1
            mailbox.look_again()
        finally:
            del error

    def has_hook_for(self, error: BaseException) -> bool:
        """Returns whether somebody wants to hear of a message that has failed with ``error``."""
        is_ordinary = isinstance(error, Exception | asyncio.CancelledError)
        return is_ordinary and self._on_dead_letter is not None

    # --- waiting ---------------------------------------------------------------------------------

    async def wait_until(self, at: float) -> bool:
        """Waits until an instant; returns False if a stop will not leave that much time."""
        life = self.life
        while (left := at - life.loop.time()) > 0:
            if not life.stop_asked:
                await life.sleep(left)
            elif not life.stop_begun:
                await tasks.pause()
            elif not self.is_in_time(at):
                return False
            else:
                await asyncio.sleep(left)
        return True

    def is_in_time(self, at: float) -> bool:
        """Returns whether an instant is before the end of the grace, if there is a stop."""
        life = self.life
        return not life.stop_begun or at < life.deadlines().plan.cancel_at
