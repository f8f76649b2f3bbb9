"""The real selector loop, with real sockets, processes and threads, in an order that varies.

Only what asyncio leaves open is varied here. An order that stock asyncio could never produce has no
place in this file, because then a failure would prove nothing; those belong to virtual loops.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import selectors
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from heapq import heappush
from random import Random
from typing import Any, TypeAlias, TypeVarTuple, Unpack

from ..errors import FluidError, FluidValueError
from .errors import LeakError, Unhandled, UnhandledError
from .pending import pending_tasks
from .run import nothing_older_collected

Ts = TypeVarTuple("Ts")

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, object]]

HOLD_BACK = 0.25
"""How likely an event of one poll waits for the next."""

MOST_HOLDS = 3
"""Polls in a row that a file descriptor can be made to wait."""

LATENESS = (0.0, 0.001, 0.020)
"""Seconds by which a timer can be late."""

LATENESS_WEIGHTS = (15, 4, 1)
"""How often each of them is drawn: being late takes real time."""


class LegalLoop(asyncio.SelectorEventLoop):
    """A selector loop on which everything happens that can happen on any, and nothing else.

    Callbacks run first in, first out, as asyncio promises. What it does not promise is drawn:

    - the order of the events of one poll, and whether one is reported now or by a later poll.
      Selectors report what is ready until it is dealt with, so nothing is lost. No descriptor waits
      for more than three polls, and none for anything but the loop's own next pass. Two ends of one
      connection in one process are no exception: they may see events in the order that a network
      would have given them;
    - the order of timers for one and the same instant; others never overtake each other;
    - how late a timer is: by 0, 1 or 20 ms, never early. The whole loop is late then, as when the
      system gives the processor to somebody else: what arrives meanwhile comes before the timer.

    So a program that fails on this loop can fail on stock asyncio. It cannot be replayed exactly,
    since the world outside takes part; but the same seed makes a failure that it has found likely.

    Windows: this is the loop on ``select()``, which has no subprocesses or pipes; the proactor loop
    completes operations, holds nothing ready, and is out of reach.

    Args:
        seed: What the draws depend on. Default 0.

    Attributes:
        held_back: How many events have waited for a later poll.
        late_timers: How many timers have made the loop late.
    """

    # Names of asyncio's loops that their types do not show; tests/testing watches them.
    _check_callback: Callable[[object, str], None]
    _check_closed: Callable[[], None]
    _check_thread: Callable[[], None]
    _debug: bool
    _scheduled: list[_Timer]
    _selector: selectors.BaseSelector

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.held_back: int = 0
        self.late_timers: int = 0
        # Two streams: how many polls there are is up to the world, and must not decide which of the
        # program's timers are late.
        self._event_chance = Random(f"{seed}/real/events")
        self._timer_chance = Random(f"{seed}/real/timers")
        self._times_held: dict[int, int] = {}

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Like asyncio's; the timer may be late, and may come before others of its instant."""
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, "call_at")
        (late,) = self._timer_chance.choices(LATENESS, LATENESS_WEIGHTS)
        timer = _Timer(when, callback, args, self, context)
        timer.late, timer.place = late, self._timer_chance.random()
        timer._scheduled = True
        heappush(self._scheduled, timer)
        return timer

    def _process_events(self, event_list: list[tuple[selectors.SelectorKey, int]]) -> None:
        # Called between the poll and the look at the clock for timers that are due.
        if self._was_late():
            event_list = self._selector.select(0)
        super()._process_events(self._let_through(event_list))  # type: ignore[misc]

    def _was_late(self) -> bool:
        """Loses the time by which the first timer that is due has to be late, if it has to be."""
        first = self._scheduled[0] if self._scheduled else None
        if first is None or not first.late or first.when() > self.time():
            return False
        self.late_timers += 1
        time.sleep(first.late)
        return True

    def _let_through(
        self, event_list: list[tuple[selectors.SelectorKey, int]]
    ) -> list[tuple[selectors.SelectorKey, int]]:
        now = [event for event in event_list if not self._holds_back(event[0].fd)]
        self._event_chance.shuffle(now)
        return now

    def _holds_back(self, fd: int) -> bool:
        times = self._times_held.pop(fd, 0)
        if times == MOST_HOLDS or self._event_chance.random() >= HOLD_BACK:
            return False
        self._times_held[fd] = times + 1
        self.held_back += 1
        return True


class _Timer(asyncio.TimerHandle):
    """A timer that knows how late it has to be, and its place among those of its instant."""

    __slots__ = ("late", "place")

    late: float
    place: float
    _scheduled: bool
    _when: float

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _Timer):
            return NotImplemented
        return (self._when, self.place) < (other._when, other.place)


def explore_real(
    scenario: Scenario,
    *,
    seeds: int | Iterable[int] = 20,
    debug: bool = False,
) -> int:
    """Runs ``scenario`` on a :class:`LegalLoop` once for each seed, and returns how often it ran.

    It ends with the first run that fails, and the error has a note with the call that repeats it.
    The repetition is likely to fail, not certain: see :class:`LegalLoop`.

    Args:
        scenario: An async function without arguments.
        seeds: How many seeds to try, from 0 on, or which ones. Default 20.
        debug: Whether asyncio's debug mode is on. Default False.

    Raises:
        BaseException: What the scenario raised.
        LeakError: If tasks are left when it has ended. End them before.
        UnhandledError: If an exception reached nobody but the loop's exception handler. Await the
            task that raised it.
        FluidValueError: If there is nothing to run, or no seed to run it with.
        FluidError: If a loop is running in this thread.
    """
    if asyncio._get_running_loop() is not None:
        raise FluidError(
            "explore_real() cannot start its loops: one is already running in this thread. "
            "Call it from a plain function."
        )
    runs = 0
    with nothing_older_collected():
        for seed in range(seeds) if isinstance(seeds, int) else seeds:
            _run_noted(scenario, seed, debug)
            runs += 1
    if not runs:
        raise FluidValueError(f"explore_real() was given no seed to run with: seeds={seeds!r}")
    return runs


def _run_noted(scenario: Scenario, seed: int, debug: bool) -> None:
    try:
        _run(scenario, seed, debug)
    except BaseException as error:
        name = getattr(scenario, "__qualname__", "scenario")
        error.add_note(f"seed={seed}: explore_real({name}, seeds=[{seed}])")
        raise


def _run(scenario: Scenario, seed: int, debug: bool) -> None:
    unhandled: list[Unhandled] = []

    def handle(_: object, context: dict[str, Any]) -> None:
        unhandled.append(Unhandled(context["message"], context.get("exception")))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handle)
        await _coroutine_of(scenario)
        if tasks := pending_tasks(loop):
            raise LeakError("the scenario has ended and left alive:", tasks)

    try:
        with asyncio.Runner(debug=debug, loop_factory=partial(LegalLoop, seed)) as runner:
            runner.run(main())
    except BaseException as error:
        for entry in unhandled:
            error.add_note(f"also: {entry}")
        raise
    # What was collected late is then reported in the run that lost it.
    gc.collect()
    if unhandled:
        raise UnhandledError(unhandled)


def _coroutine_of(scenario: Scenario) -> Coroutine[Any, Any, object]:
    coroutine: object = scenario() if callable(scenario) else scenario
    if callable(scenario) and asyncio.iscoroutine(coroutine):
        return coroutine
    raise FluidValueError(
        f"explore_real() cannot run {scenario!r}: it is not an async function without arguments. "
        f"Pass the function itself, not a coroutine of it, because each seed calls it anew."
    )
