"""An event loop whose time is virtual: hours pass in milliseconds, and every run is the same.

Only the middle of ``asyncio.BaseEventLoop`` is replaced: what time it is, and what runs next.
Tasks, futures, ``asyncio.timeout`` and ``asyncio.Runner`` are the real ones. What a whole run has
to satisfy at its end is the business of :mod:`fluid.testing.run`.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable
from datetime import tzinfo
from heapq import heapify, heappop, heappush
from itertools import count, islice
from typing import Any, TypeVarTuple, Unpack

from .errors import DeadlockError, HorizonError, LivelockError
from .pending import callback_name, pending_tasks
from .wall_clock import WallClock
from .world import ClosedWorld

Ts = TypeVarTuple("Ts")

DEFAULT_HORIZON = 7 * 24 * 3600.0
"""Seconds. Room for a weekly schedule; and a program that waits for what never comes, beside a
timer that ticks once a second, fails within seconds of real time instead of running for ever."""

DEFAULT_LIVELOCK_AFTER = 100_000
"""Callbacks in one instant; they take a fraction of a second of real time."""

_NEVER = round(1e60)
"""The instant at which an infinite delay ends, in nanoseconds."""

_FOREVER = _NEVER / 1e9
"""The same, in seconds."""


class VirtualLoop(ClosedWorld):
    """Runs callbacks first in, first out, and jumps to the next timer when none is ready.

    Time starts at 0 and is kept in whole nanoseconds. It moves only by jumps, exactly to the
    instant of the earliest timer: ten sleeps of 0.1 s end at 1.0. All timers due at that instant
    become ready together, in the order in which they were set (asyncio itself leaves that order
    open). A delay above zero moves time by a nanosecond at least; an infinite one is never due.

    Nothing sleeps, and nothing enters or leaves. Sockets, pipes, real processes and calls from
    other threads are refused with an :class:`EscapedError`. Jobs of executors run on the loop's own
    thread, and signals are raised by :meth:`raise_signal`. A task without a name is called
    ``task-n``, where n counts the tasks of this loop, so that every run gives the same names.

    Args:
        horizon: How far the loop may jump, in seconds from where it starts to run. Default one
            week, 604,800; ``math.inf`` for no limit.
        livelock_after: Callbacks allowed in one instant. Default 100,000.

    Attributes:
        wall: The time of day, which can be scripted; loops are made as the year 2000 begins, UTC.
        unhandled: What reached the default exception handler, in order.

    Raises:
        DeadlockError: From ``run_forever`` and all that uses it, when nothing can happen any more.
        HorizonError: Likewise, when the next timer lies beyond the horizon.
        LivelockError: Likewise, when time stands still for too many callbacks. After each of the
            three the loop can be run again.
    """

    # Names of BaseEventLoop that its types do not show; tests/testing/test_canary.py watches them.
    _check_thread: Callable[[], None]
    _closed: bool
    _current_handle: asyncio.Handle | None
    _debug: bool
    _stopping: bool
    _timer_cancelled_count: int

    def __init__(
        self,
        *,
        horizon: float = DEFAULT_HORIZON,
        livelock_after: int = DEFAULT_LIVELOCK_AFTER,
    ) -> None:
        super().__init__()
        self._horizon = horizon
        self._horizon_ns = 0
        self._livelock_after = livelock_after
        self._steps_in_instant = 0
        self._now_ns = 0
        # A heap of our own rather than asyncio's `_scheduled`: exact where floats tie, first in,
        # first out where instants tie, and compared in C.
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._timer_numbers = count()
        self.wall: WallClock = WallClock(_time_of(self))

    # Time

    def time(self) -> float:
        """Returns the virtual time, in seconds since the loop was made."""
        return self._now_ns / 1e9

    def time_ns(self) -> int:
        """Returns the virtual time, in whole nanoseconds since the loop was made."""
        return self._now_ns

    def wall_time(self) -> float:
        """Returns the time of day, in seconds since the epoch, as :attr:`wall` has it."""
        return self.wall.time()

    def wall_zone(self) -> tzinfo:
        """Returns the time zone that :attr:`wall` is in."""
        return self.wall.zone()

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Like asyncio's; the delay is added in whole nanoseconds, since sums of floats drift."""
        delay_ns = _nanoseconds(delay)
        if delay_ns == 0 and delay > 0:
            # Float residue (1e-17 s) in a rate limiter would spin for ever in one instant.
            delay_ns = 1
        return self._set_timer(
            self._now_ns + delay_ns, self.time() + delay, callback, args, context
        )

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Like asyncio's."""
        due_ns = _nanoseconds(when)
        if due_ns <= self._now_ns and when > self.time():
            due_ns = self._now_ns + 1
        return self._set_timer(due_ns, when, callback, args, context)

    def _set_timer(
        self,
        due_ns: int,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
    ) -> asyncio.TimerHandle:
        self._check_closed()
        if self._debug:
            self._check_thread()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]
        heappush(self._timers, (due_ns, next(self._timer_numbers), timer))
        return timer

    def live_timers(self) -> list[asyncio.TimerHandle]:
        """Returns the timers that are neither due nor cancelled, in the order they will be due."""
        return [timer for _, _, timer in sorted(self._timers) if not timer.cancelled()]

    def set_debug(self, enabled: bool) -> None:
        """Like asyncio's."""
        super().set_debug(enabled)
        # Each handle and each future asks the loop whether it debugs. `bool()` is False, and is
        # answered without a line of Python.
        if enabled:
            vars(self).pop("get_debug", None)
        else:
            vars(self)["get_debug"] = bool

    def close(self) -> None:
        """Like asyncio's; forgets the timers too."""
        super().close()
        self._timers.clear()

    # What runs next

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Like asyncio's, and quicker: most of a run is calls of this."""
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def run_forever(self) -> None:
        """Like asyncio's; both limits count from here, so that a clean-up has room of its own."""
        self._horizon_ns = self._now_ns + _nanoseconds(self._horizon)
        self._steps_in_instant = 0
        super().run_forever()

    def has_ready(self) -> bool:
        """Returns whether any callback is ready to run now."""
        return len(self._ready) > 0

    def _run_once(self) -> None:
        if not self._ready and not self._stopping:
            self._jump_to_next_timer()
        self._ready_due_timers()
        self._run_ready()

    def _jump_to_next_timer(self) -> None:
        self._drop_cancelled_timers()
        due_ns = self._timers[0][0] if self._timers else _NEVER
        if due_ns >= _NEVER:
            raise DeadlockError(
                f"deadlock at {self.time()} seconds: no callback is ready and no timer is set, "
                f"so nothing can ever wake",
                pending_tasks(self),
            )
        if due_ns > self._horizon_ns:
            raise self._beyond_horizon(due_ns)
        if due_ns > self._now_ns:
            self._now_ns = due_ns
            self._steps_in_instant = 0

    def _drop_cancelled_timers(self) -> None:
        timers = self._timers
        if self._timer_cancelled_count * 2 > len(timers):
            # Time-outs that never fire are cancelled far from the top, and would pile up there.
            timers[:] = [entry for entry in timers if not entry[2].cancelled()]
            heapify(timers)
            self._timer_cancelled_count = 0
        while timers and timers[0][2].cancelled():
            heappop(timers)
            self._timer_cancelled_count -= 1

    def _ready_due_timers(self) -> None:
        # Also while callbacks are ready: a loop of `sleep(0)` must not starve a `call_later(0)`.
        timers = self._timers
        while timers and timers[0][0] <= self._now_ns:
            timer = heappop(timers)[2]
            timer._scheduled = False  # type: ignore[attr-defined]
            if timer.cancelled():
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(timer)

    def _run_ready(self) -> None:
        # As in asyncio, what these callbacks schedule waits for the next pass: `stop()` ends the
        # loop after the pass in which it was called.
        ready = self._ready
        todo = len(ready)
        self._steps_in_instant += todo
        if self._steps_in_instant > self._livelock_after:
            raise self._livelock()
        for _ in range(todo):
            handle = ready.popleft()
            if not handle._cancelled:
                self._current_handle = handle
                handle._run()
        self._current_handle = None
        if todo:
            del handle  # whatever has raised may refer to this frame, which must not refer to it

    def _beyond_horizon(self, due_ns: int) -> HorizonError:
        return HorizonError(
            f"the next timer is due at {due_ns / 1e9} seconds, beyond the horizon at "
            f"{self._horizon_ns / 1e9} seconds: either the program waits for what never comes, or "
            f"the run is long on purpose and needs a larger horizon",
            pending_tasks(self),
        )

    def _livelock(self) -> LivelockError:
        following = ", ".join(callback_name(handle) for handle in islice(self._ready, 5))
        return LivelockError(
            f"livelock at {self.time()} seconds: more than {self._livelock_after} callbacks ran "
            f"and time never moved; ready to run next: {following}",
            pending_tasks(self),
        )


def _time_of(loop: VirtualLoop) -> Callable[[], int]:
    """Returns what tells the time of ``loop``, and does not keep it alive: it is the loop's own."""
    reference = weakref.ref(loop)

    def time_ns() -> int:
        alive = reference()
        return 0 if alive is None else alive.time_ns()

    return time_ns


def _nanoseconds(seconds: float) -> int:
    return _NEVER if seconds >= _FOREVER else round(seconds * 1e9)
