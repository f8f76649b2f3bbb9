"""A start that somebody waits for: its limit, its reports, and what ends the wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .. import events
from ..errors import StartTimeoutError, WorkerStartError
from ..rules.lifecycle import RUNNING
from ..settings import STILL_STARTING_PERIOD

if TYPE_CHECKING:
    from .life import Life


class Start:
    """The time from ``startup()`` until the worker is ready."""

    __slots__ = ("_life", "_limit_timer", "_report_timer", "_starter")

    def __init__(self, life: Life, limit: float | None) -> None:
        self._life: Life = life
        self._starter: asyncio.Future[None] | None = None
        self._report_timer: asyncio.TimerHandle = life.loop.call_later(
            STILL_STARTING_PERIOD, self._report
        )
        self._limit_timer: asyncio.TimerHandle | None = None
        if limit is not None:
            self._limit_timer = life.loop.call_later(limit, self._overran, limit)

    async def over(self) -> None:
        """Waits until the worker is ready or has ended."""
        self._starter = self._life.loop.create_future()
        await self._starter

    def end(self) -> None:
        """Ends the wait, and the timers with it."""
        self._report_timer.cancel()
        if self._limit_timer is not None:
            self._limit_timer.cancel()
        if self._starter is not None and not self._starter.done():
            self._starter.set_result(None)

    def _report(self) -> None:
        life = self._life
        elapsed = life.loop.time() - life.began
        life.core.emit(events.StillStarting, elapsed, life.core.waits_at())
        self._report_timer = life.loop.call_later(STILL_STARTING_PERIOD, self._report)

    def _overran(self, limit: float) -> None:
        life = self._life
        if life.stop_asked:  # it is on its way out, and that has deadlines of its own
            return
        life.facts.start_error = StartTimeoutError(
            f"worker {life.name!r} was not ready after {limit:g} seconds",
            timeout=limit,
            stack=life.core.waits_at(),
        )
        life.ask_to_stop()
        life.begin_stop()


async def until_started(life: Life) -> None:
    """Waits for a start to succeed, or to fail with everything cleaned up.

    Cancellation: The start is given up; its end is waited for; then the cancel goes on.
    """
    if life.start is not None and life.outcome is None:
        try:
            await life.start.over()
        except asyncio.CancelledError:
            life.ask_to_stop()
            life.begin_stop()
            await life.wait_out()
            raise
    if life.ready and not life.stop_asked and life.state is RUNNING:
        return
    await life.wait_out()
    life.raise_outcome()
    if not life.ready or life.stop_asked:
        why = "it was stopped" if life.stop_asked else "its run() ended before it was ready"
        if life.ended_by:
            why = f"worker {life.ended_by} ended meanwhile"
        raise WorkerStartError(f"worker {life.name!r} did not start: {why}")
