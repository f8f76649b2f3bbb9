"""A limit to the time of one call, which holds even for code that ignores being cancelled.

The call gets a task of its own, so that whoever waits for it can go on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ... import tasks
from ..ladder import Ladder, Rung
from ..waits import Waiters

OnLeft: TypeAlias = Callable[[asyncio.Task[Any], tuple[str, ...]], None]
"""Is told of a task that refuses to end, and where it is waiting."""


class Overrun(Exception):
    """A call did not end in time: where it was waiting then, and whether it was left alone."""

    def __init__(self, stack: tuple[str, ...], *, left: bool) -> None:
        super().__init__()
        self.stack: tuple[str, ...] = stack
        self.left: bool = left


class LimitedCall:
    """One call that is cancelled after some time, cancelled again, and left alone.

    Args:
        work: What to call.
        loop: The running loop.
        name: The name of its task.
        limit: Seconds until it is cancelled.
        period: Seconds until it is cancelled again, and from there to being left alone.
        on_left: Is told if it is left alone.
    """

    __slots__ = (
        "_error",
        "_is_over",
        "_ladder",
        "_loop",
        "_on_left",
        "_result",
        "_stack",
        "_task",
        "_waiters",
        "_work",
    )

    def __init__(
        self,
        work: Callable[[], Awaitable[Any]],
        *,
        loop: asyncio.AbstractEventLoop,
        name: str,
        limit: float,
        period: float,
        on_left: OnLeft,
    ) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self._work: Callable[[], Awaitable[Any]] = work
        self._on_left: OnLeft = on_left
        self._result: Any = None
        self._error: BaseException | None = None
        self._stack: tuple[str, ...] | None = None
        self._is_over: bool = False
        self._waiters: Waiters[None] = Waiters()
        self._task: asyncio.Task[None] = tasks.spawn(
            self._run(), loop=loop, name=name, on_end=self._ended
        )
        began = loop.time()
        self._ladder: Ladder = Ladder(loop)
        self._ladder.climb(
            (
                Rung(began + limit, self._cut),
                Rung(began + limit + period, self._cut),
                Rung(began + limit + 2 * period, self._leave),
            )
        )

    async def result(self) -> Any:
        """Returns what the call returned, or raises what it raised.

        Raises:
            Overrun: If it did not end in time; not if it used its last moment to return after all,
                or to raise an error of its own.

        Cancellation: The call is cancelled and waited for, within its limit. What it returns or
            raises all the same is not lost; the cancel then comes once more, at the next wait.
        """
        interrupted: asyncio.CancelledError | None = None
        try:
            while not self._is_over:
                try:
                    waiting = self._waiters.wait(self._loop)
                    await tasks.on_behalf_of((self._task,), waiting)
                except asyncio.CancelledError as error:
                    interrupted = error
                    tasks.cancel(self._task, "fluid: whoever waits for it was cancelled")
            left = not self._task.done()
            if left or isinstance(self._error, asyncio.CancelledError):
                if interrupted is not None:
                    raise interrupted
                if self._stack is not None:
                    raise Overrun(self._stack, left=left)
            if interrupted is not None:  # the call may have been over before it was cancelled
                tasks.cancel_again("fluid: cancelled while it waited for a call that has ended")
            if self._error is not None:
                raise self._error
            return self._result
        finally:
            self._ladder.clear()
            self._error = None
            del interrupted

    async def _run(self) -> None:
        """Makes the call; nothing that it raises leaves the task: some errors end the loop."""
        try:
            self._result = await self._work()
        except BaseException as error:
            self._error = error

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # before its first step
            self._error = tasks.end_of(task)
        self._finish()

    def _finish(self) -> None:
        self._is_over = True
        self._waiters.wake(None)

    def _cut(self) -> None:
        if self._stack is None:
            self._stack = tasks.await_stack(self._task)
        tasks.cancel(self._task, "fluid: it has taken too long")

    def _leave(self) -> None:
        if not self._task.done():  # else its end is on its way here
            self._on_left(self._task, tasks.await_stack(self._task))
            self._finish()
