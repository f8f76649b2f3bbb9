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
        self._task = tasks.spawn(_start(self._slot), loop=self._loop, name=name, on_end=self._ended)

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
        if self.gave_up:
            self._slot.core.emit(events.LateEnd, None)
        self._be_over()

    def _be_over(self) -> None:
        self.is_over = True
        on_over, self._on_over = self._on_over, None
        if on_over is not None:
            on_over()


async def _start(slot: Slot) -> None:
    """Awaits ``startup()`` and notes what it raised, if that is any news."""
    core = slot.core
    try:
        await slot.child.startup()
    except GeneratorExit:  # the loop is being torn down
        raise
    except BaseException as error:
        group = core.parent()
        is_stopped = group is None or group.is_closed()
        if is_stopped and isinstance(error, (asyncio.CancelledError, WorkerStartError)):
            return  # that is what a start that is stopped raises
        if error not in slot.errors():
            slot.note("startup", error)
        core.force()  # it may have begun before it failed: it must not stay behind
        return
    if core.life is None:
        how = "its startup() did not call super().startup()"
        slot.note("startup", WorkerStartError(f"worker {core.name!r} did not start: {how}"))
