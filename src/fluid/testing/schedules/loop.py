"""A virtual loop whose world is free: timers that tie, or are late; jobs and signals in their time.

This is where time and the outside have a say in the order; who of the ready callbacks is next is
said in ``queues``.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable
from heapq import heappop
from typing import Any, TypeVarTuple, Unpack
from weakref import WeakSet

from ..loop import VirtualLoop
from .choosers import Chooser
from .queues import ReadyQueue
from .schedule import Policy

Ts = TypeVarTuple("Ts")

LATENESS_MS = (0, 1, 20)
"""How late a timer, a job or a signal may be, in milliseconds: in time, a slip, a busy machine."""

SLOW_ODDS = 16
"""The callbacks of a pass take until the next timer is due once in so many times."""

PASSES_BETWEEN_COLLECTIONS = 1 << 14
"""The collector runs when the schedule says so, and never when memory happens to fill up."""

_MS = 1_000_000

# What is chosen here, in the words of a report.
LATE_WORLD = "what comes from outside"
LATE_TIMER = "the timer"
TIES = "the next of the timers due at once"
SLOW = "what is ready takes until the next timer is due"


class ExploredLoop(VirtualLoop):
    """Runs callbacks in an order that a :class:`Chooser` chooses, where there is a choice.

    Args:
        policy: FIFO leaves the world punctual; all others set it free.
        queue: Who is ready.
        choose: Makes the choices.
    """

    def __init__(
        self,
        policy: Policy,
        queue: ReadyQueue,
        choose: Chooser,
        *,
        horizon: float,
        livelock_after: int,
    ) -> None:
        super().__init__(horizon=horizon, livelock_after=livelock_after)
        self._ready: Any = queue
        self._choose = choose
        self._free = policy is not Policy.FIFO
        self._on_their_way: WeakSet[asyncio.TimerHandle] = WeakSet()
        self._passes = 0

    def watch(self, queue: ReadyQueue) -> None:
        """Puts a layer over the queue, before anything is in it."""
        self._ready = queue

    def close(self) -> None:
        """Like a virtual loop's; lets go of signal handlers, so that what they hold is judged."""
        super().close()
        self._signal_handlers.clear()

    def _enters(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> None:
        late_ms = LATENESS_MS[self._choose.pick(3, LATE_WORLD)] if self._free else 0
        if late_ms:
            timer = self.call_later(late_ms / 1000, callback, *args, context=context)
            self._on_their_way.add(timer)
        else:
            self._ready.split()
            self.call_soon(callback, *args, context=context)
            self._ready.split()

    def live_timers(self) -> list[asyncio.TimerHandle]:
        """Like a virtual loop's; leaves out the world, which nobody inside could have cancelled."""
        return [timer for timer in super().live_timers() if timer not in self._on_their_way]

    def _run_once(self) -> None:
        self._passes += 1
        if self._passes % PASSES_BETWEEN_COLLECTIONS == 0:
            gc.collect()
        if self._free and self._ready and self._is_soon() and self._choose.flip(SLOW_ODDS, SLOW):
            self._jump_to_next_timer()
        super()._run_once()

    def _is_soon(self) -> bool:
        """Returns whether the next timer can become due while callbacks run."""
        timers, soon = self._timers, LATENESS_MS[-1] * _MS
        if not timers or timers[0][0] - self._now_ns > soon:
            return False
        self._drop_cancelled_timers()
        last = min(self._now_ns + soon, self._horizon_ns)
        return bool(timers) and self._now_ns < timers[0][0] <= last

    def _jump_to_next_timer(self) -> None:
        super()._jump_to_next_timer()
        if self._free:
            self._now_ns += LATENESS_MS[self._choose.pick(3, LATE_TIMER)] * _MS

    def _ready_due_timers(self) -> None:
        self._ready.split()
        if not self._free:
            super()._ready_due_timers()
            return
        timers = self._timers
        while timers and timers[0][0] <= self._now_ns:
            ties = [heappop(timers)]
            while timers and timers[0][0] == ties[0][0]:
                ties.append(heappop(timers))
            self._ready_in_any_order(ties)

    def _ready_in_any_order(self, ties: list[tuple[int, int, asyncio.TimerHandle]]) -> None:
        """Readies the timers due at one instant; asyncio's heap promises them no order."""
        while ties:
            index = self._choose.pick(len(ties), TIES) if len(ties) > 1 else 0
            timer = ties.pop(index)[-1]
            timer._scheduled = False  # type: ignore[attr-defined]
            if timer.cancelled():
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(timer)
                self._ready.split()
