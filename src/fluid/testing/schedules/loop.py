"""A virtual loop whose world is free: timers that tie, or are late; jobs and signals in their time.

This is where time and the outside have a say in the order; who of the ready callbacks is next is
said in ``queues``.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeVarTuple, Unpack

from ..loop import VirtualLoop
from .choosers import Chooser
from .queues import ReadyQueue
from .schedule import Policy

Ts = TypeVarTuple("Ts")

LATENESS_MS = (0, 1, 20)
"""How late a timer, a job or a signal may be, in milliseconds: in time, a slip, a busy machine."""

HOLD_ODDS = 8
"""A timer that is due waits for the next pass once in so many times."""

SLOW_ODDS = 16
"""The callbacks of a pass take until the next timer is due once in so many times."""

PASSES_BETWEEN_COLLECTIONS = 1 << 14
"""The collector runs when the schedule says so, and never when memory happens to fill up."""

_MS = 1_000_000


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
        self._holds = policy is Policy.LEGAL  # elsewhere the queue may leave them lying anyway
        self._set_before_jump = 0
        self._passes = 0

    def watch(self, queue: ReadyQueue) -> None:
        """Puts a layer over the queue, before anything is in it."""
        self._ready = queue

    def _enters(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> None:
        late_ms = LATENESS_MS[self._choose.pick(3, "lateness of the world")] if self._free else 0
        if late_ms:
            self.call_later(late_ms / 1000, callback, *args, context=context)
        else:
            self._ready.split()
            self.call_soon(callback, *args, context=context)
            self._ready.split()

    def _run_once(self) -> None:
        self._passes += 1
        if self._passes % PASSES_BETWEEN_COLLECTIONS == 0:
            gc.collect()
        if self._free and self._ready and self._is_soon() and self._choose.flip(SLOW_ODDS, "slow"):
            self._jump_to_next_timer()
        super()._run_once()

    def _is_soon(self) -> bool:
        """Returns whether the next timer can become due while callbacks run."""
        self._drop_cancelled_timers()
        timers = self._timers
        return bool(timers) and 0 < timers[0][0] - self._now_ns <= LATENESS_MS[-1] * _MS

    def _jump_to_next_timer(self) -> None:
        super()._jump_to_next_timer()
        if self._free:
            self._now_ns += LATENESS_MS[self._choose.pick(3, "lateness of a timer")] * _MS
            self._set_before_jump = next(self._timer_numbers)

    def _ready_due_timers(self) -> None:
        if not self._free:
            super()._ready_due_timers()
            return
        timers = self._timers
        while timers and timers[0][0] <= self._now_ns:
            ties = [heappop(timers)]
            while timers and timers[0][0] == ties[0][0]:
                ties.append(heappop(timers))
            while ties:
                if self._may_hold(ties[0]) and self._choose.flip(HOLD_ODDS, "a timer waits"):
                    for entry in ties:
                        heappush(timers, entry)
                    return
                index = self._choose.pick(len(ties), "next timer") if len(ties) > 1 else 0
                timer = ties.pop(index)[2]
                timer._scheduled = False  # type: ignore[attr-defined]
                if timer.cancelled():
                    self._timer_cancelled_count -= 1
                else:
                    self._ready.split()
                    self._ready.append(timer)
                    self._ready.split()

    def _may_hold(self, entry: tuple[int, int, asyncio.TimerHandle]) -> bool:
        # Time has to go on, so something else has to be ready; and `call_later(0)`, set after the
        # jump, is certain to be due in the next pass.
        return self._holds and bool(self._ready) and entry[1] < self._set_before_jump
