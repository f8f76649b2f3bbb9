"""A child whose class has a ``startup()`` of its own: it is awaited, and it can be ended.

Such an override may do anything: fail before or after the real start, never start the worker, never
return, refuse to be cancelled. Whatever it does, its group gets to see an end of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .. import events, tasks
from ..errors import WorkerStartError
from .ladder import Ladder, Rung
from .slot import Slot


class Starter:
    """The task that awaits a child's ``startup()``."""

    __slots__ = ("_ladder", "_loop", "_on_over", "_slot", "_task", "gave_up", "is_over")

    def __init__(
        self, slot: Slot, loop: asyncio.AbstractEventLoop, on_over: Callable[[], None]
    ) -> None:
        self._slot: Slot = slot
        self._on_over: Callable[[], None] | None = on_over
        self._ladder: Ladder = Ladder(loop)
        self._loop: asyncio.AbstractEventLoop = loop
        self._task: asyncio.Task[None] | None = None
        self.is_over: bool = False
        self.gave_up: bool = False
        """Whether the override refused to end."""

    def begin(self) -> None:
        """Makes the task; with an eager task factory, the override may be over by then."""
        name = f"startup of {self._slot.core.name}"
        self._task = tasks.spawn(self._run(), loop=self._loop, name=name, on_end=self._ended)

    async def _run(self) -> None:
        error: BaseException | None = None
        try:
            await self._slot.child.startup()
        except GeneratorExit:  # the loop is being torn down
            raise
        except BaseException as raised:
            error = raised
        try:
            self._returned(error)
        finally:
            del error  # its traceback leads here: that would be a cycle

    def _returned(self, error: BaseException | None) -> None:
        """Notes what went wrong, if that is any news, and leaves nothing half-started."""
        slot, group = self._slot, self._slot.core.parent()
        if self.gave_up:
            slot.core.emit(events.LateEnd, error)
            return
        if error is None and slot.core.life is None:
            error = never_started(slot.core.name)
        is_stopped = group is None or group.is_closed()
        if is_stopped and isinstance(error, (asyncio.CancelledError, WorkerStartError)):
            return  # a start that is stopped ends like that
        if error is not None:
            if all(error is not known for known in slot.errors()):
                slot.note("startup", error)
            slot.core.force()  # it may have begun before it failed

    def end(self, by: float) -> None:
        """Cancels the override, cancels it again, and gives up on it, at the latest ``by`` then."""
        if self.is_over or self._ladder.is_armed:
            return
        now = self._loop.time()
        period = min(self._slot.child.cancel_period, max(by - now, 0.0) / 2)
        self._cancel()
        self._ladder.climb(
            (Rung(now + period, self._cancel), Rung(now + 2 * period, self._give_up))
        )

    def _cancel(self) -> None:
        if self._task is not None:
            tasks.cancel(self._task, "fluid: its group is stopping")

    def _give_up(self) -> None:
        self.gave_up = True
        stack = tasks.await_stack(self._task)
        self._slot.core.emit(events.WorkerAbandoned, "startup", stack)
        self._be_over()

    def _ended(self, _: object) -> None:
        self._ladder.clear()
        self._be_over()

    def _be_over(self) -> None:
        self.is_over = True
        on_over, self._on_over = self._on_over, None
        if on_over is not None:
            on_over()


def never_started(name: str) -> WorkerStartError:
    """Returns the error of a worker whose ``startup()`` has returned and made no life."""
    return WorkerStartError(
        f"worker {name!r} did not start: its startup() did not call super().startup()"
    )
