"""Tasks that do the work of one life, and end with it in bounded time.

When one of them fails, the life has failed, and the others are cancelled. They get as long to end
as a worker that is stopped by force; whoever refuses is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .. import events, tasks
from .ladder import Ladder, Rung
from .phase import RUN
from .waits import Waiters

if TYPE_CHECKING:
    from .life import Life


class Crew:
    """The tasks of one life beside its own.

    Args:
        life: That life.
        leave: Is told of each task that refuses to end.
        on_cut: Is called once, before they are cancelled.
        on_end: Is called at each end of a task.
    """

    __slots__ = (
        "_errors",
        "_ladder",
        "_leave",
        "_life",
        "_on_cut",
        "_on_end",
        "_tasks",
        "_waiters",
        "is_cut",
    )

    def __init__(
        self,
        life: Life,
        *,
        leave: Callable[[asyncio.Task[Any]], None],
        on_cut: Callable[[], None] | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.is_cut: bool = False
        """Whether all of them have to end now."""
        self._life: Life = life
        self._leave: Callable[[asyncio.Task[Any]], None] = leave
        self._on_cut: Callable[[], None] | None = on_cut
        self._on_end: Callable[[], None] | None = on_end
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._errors: list[BaseException] = []
        self._waiters: Waiters[None] = Waiters()
        self._ladder: Ladder = Ladder(life.loop)

    def __len__(self) -> int:
        """Returns how many have not ended, and were not left alone."""
        return len(self._tasks)

    @property
    def has_failed(self) -> bool:
        """Whether one of them has raised something."""
        return bool(self._errors)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Starts one more. It may raise nothing but its own cancel: see :meth:`note`."""
        task = tasks.spawn(work, loop=self._life.loop, name=name, on_end=self._ended)
        self._tasks[task] = None

    def note(self, error: BaseException | None) -> None:
        """Keeps an error of one of them, which ends the life; not the cancel that came from here.

        Out of a task, some errors would end the event loop.
        """
        if error is not None and not (self.is_cut and isinstance(error, asyncio.CancelledError)):
            self._errors.append(error)

    async def ended(self) -> None:
        """Waits until all of them have ended; raises what the first that failed has raised.

        Cancellation: All of them are cancelled each time, and waited for.
        """
        interrupted: asyncio.CancelledError | None = None
        try:
            while self._tasks:
                try:
                    waiting = self._waiters.wait(self._life.loop)
                    await tasks.on_behalf_of(self._tasks, waiting)
                except asyncio.CancelledError as error:
                    interrupted = error
                    self.interrupted()
            self._raise_first()
            if interrupted is not None:
                raise interrupted
        finally:
            self._ladder.clear()
            del interrupted

    def interrupted(self) -> None:
        """Passes on a cancel of whoever waits for them. One that is not ours has no deadlines."""
        stop = self._life.stop
        if self.is_cut or (stop is not None and stop.cancels):
            self._cancel_all()
        else:
            self._cut()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task in self._tasks:  # else it was left alone, and everybody else has gone on
            del self._tasks[task]
            if task.cancelled():
                self.note(tasks.end_of(task))
        if self._on_end is not None:
            self._on_end()
        if self._errors and not self.is_cut:
            self._cut()
        if not self._tasks:
            self._waiters.wake(None)

    def _cut(self) -> None:
        """Ends all of them in bounded time."""
        now, period = self._life.loop.time(), self._life.worker_alive().cancel_period
        self._ladder.climb(
            (Rung(now + period, self._cancel_all), Rung(now + 2 * period, self._leave_all))
        )
        self._cancel_all()

    def _cancel_all(self) -> None:
        if not self.is_cut:
            self.is_cut = True
            if self._on_cut is not None:
                self._on_cut()
        for task in tuple(self._tasks):
            tasks.cancel(task, f"fluid: worker {self._life.name!r} has to end now")

    def _leave_all(self) -> None:
        for task in tuple(self._tasks):
            if not task.done():  # else its end is on its way here
                del self._tasks[task]
                self._leave(task)
        if not self._tasks:
            self._waiters.wake(None)

    def _raise_first(self) -> None:
        """Raises the first error; what the others raised on top of that is kept in the record."""
        errors, self._errors = self._errors, []
        try:
            for other in errors[1:]:
                self._life.core.emit(events.SecondaryError, RUN.value, other)
                self._life.facts.cleanup_errors += (other,)
            if errors:
                raise errors[0]
        finally:
            errors.clear()
