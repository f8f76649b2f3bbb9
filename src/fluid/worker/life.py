"""One incarnation of a worker: where it is in its life, who waits for it, how it ended.

All of this is synchronous, so that no cancel can interrupt a turn half-way; the coroutine that
lives the life is in ``living.py``, its deadlines in ``start.py`` and ``stop.py``. What may follow
what, and what all of it amounts to, is decided in :mod:`fluid.rules`; how a user sees it is in
``base.py``.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from contextlib import AsyncExitStack
from math import inf, isinf
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from .. import events, tasks, tracing
from ..clock import wall_time
from ..rules import lifecycle
from ..rules.lifecycle import INIT, RUNNING, Move, WorkerState
from ..rules.outcome import Facts, Outcome, judge
from .hooks import is_default
from .living import inside, live
from .phase import RUN, STARTUP, Phase
from .start import Start
from .stop import Stop
from .waits import Waiters, settle

if TYPE_CHECKING:
    from ..tracing.spans import LifeSpans
    from .base import Worker
    from .core import Core
    from .exit import WorkerExit
    from .stragglers import Stragglers
    from .watchdog import Watchdog

STOPPING_PAUSE = 0.01
"""Seconds that ``sleep`` still takes in a worker that is stopping.

Without a pause, a loop that forgets to look at the result of ``sleep`` would spin.
"""


NO_MESSAGES: Mapping[str, int] = MappingProxyType({})
"""The account of a worker that has no messages."""


class Life:
    """The task of one incarnation, its state, and everybody who waits for it."""

    __slots__ = (
        "account",
        "being_made",
        "began",
        "began_wall",
        "core",
        "ended",
        "ended_after",
        "ended_by",
        "ended_wall",
        "exit_stack",
        "facts",
        "left_by_itself",
        "loop",
        "name",
        "origin",
        "outcome",
        "outer",
        "phase",
        "ran_until",
        "ready",
        "record",
        "start",
        "started_up",
        "state",
        "stop",
        "stop_asked",
        "stop_begun",
        "stop_since",
        "stopping",
        "stragglers",
        "task",
        "trace",
        "traceback",
        "watchdog",
        "worker",
    )

    def __init__(self, core: Core, worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
        self.name: str = core.name
        self.core: Core = core
        self.worker: Worker | None = worker
        self.loop: asyncio.AbstractEventLoop = loop
        self.outer: weakref.ref[Core] | None = inside.get()
        self.task: asyncio.Task[None] | None = None
        self.being_made: bool = False
        """True inside ``create_task``, where an eager task factory takes the first step."""

        self.state: WorkerState = lifecycle.after(INIT, Move.START)
        self.phase: Phase = STARTUP
        self.started_up: bool = False
        self.ready: bool = False
        self.stop_asked: bool = False
        """The one flag of a stop; any thread may set it, nobody clears it."""
        self.stop_begun: bool = False
        """The loop has begun the stop."""
        self.stop_since: float = inf
        """When it has."""

        self.ran_until: float = inf
        """When it left RUNNING."""
        self.left_by_itself: bool = False
        """Whether nobody had asked for that."""

        self.start: Start | None = None
        self.stop: Stop | None = None
        self.watchdog: Watchdog | None = None
        """What waits for its next beat, if anybody has asked for that."""
        self.exit_stack: AsyncExitStack | None = None
        self.stopping: Waiters[bool] = Waiters()
        self.ended: Waiters[None] | None = None
        self.stragglers: Stragglers | None = None
        """Handlers that refused to end, if any did."""
        self.trace: LifeSpans | None = None
        """The spans of its start and its stop, if the program wants any."""

        self.facts: Facts = Facts()
        self.outcome: Outcome | None = None
        self.origin: str = ""
        """The worker below this one that the error came from, if it did."""
        self.ended_by: str = ""
        """The child whose end made this one, a group, stop."""
        self.traceback: TracebackType | None = None
        self.account: Mapping[str, int] = NO_MESSAGES
        self.record: WorkerExit | None = None
        self.began: float = loop.time()
        self.began_wall: float = wall_time(loop)
        self.ended_after: float = 0.0
        self.ended_wall: float = 0.0

    # --- its two ends ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Makes the task."""
        worker = self.worker_alive()
        if (tracer := tracing.tracer()) is not None:
            from .traced import spans_of

            self.trace = spans_of(self, tracer)
        self.core.emit(events.WorkerStarted)
        if _starts_at_once(worker):
            self.started_up = True
            self.phase = RUN
            self.become_ready()
        else:
            self.start = Start(self, worker.start_timeout)
        self.being_made = True
        try:
            tasks.spawn(live(self), loop=self.loop, name=self.name, on_end=self._task_ended)
        finally:
            self.being_made = False

    def finish(self) -> None:
        """Ends the life, or, for one that was abandoned, says that its task has ended at last."""
        try:
            if self.outcome is None:
                self.settle()
            else:
                self.core.emit(events.LateEnd, self._late_error(self.outcome))
        finally:
            self.let_go()

    def _late_error(self, outcome: Outcome) -> BaseException | None:
        facts, known = self.facts, (None, outcome.exception, *outcome.errors)
        errors = (facts.start_error, facts.run_error, *facts.cleanup_errors)
        return next((error for error in errors if error not in known), None)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Catches the one life that ``live`` cannot end: cancelled before its first step."""
        if self.outcome is None:
            if self.stop is not None and self.stop.cancels:
                self.facts.stopped_in_start = self.phase is STARTUP
                self.facts.forced = not self.facts.stopped_in_start
            else:
                self.facts.cancelled = tasks.end_of(task)
            self.leave_running()
            self.settle()
            self.let_go()

    def let_go(self) -> None:
        """Drops what would keep the worker alive for no reason, now that its task is over."""
        self.worker = self.task = self.outer = self.start = self.stop = None
        del self.core

    def leave_alone(self, handler: asyncio.Task[Any]) -> None:
        """Goes on without a handler that refuses to end."""
        if self.stragglers is None:
            from .stragglers import Stragglers  # here, because hardly any life has one

            self.stragglers = Stragglers()
        self.stragglers.add(handler)

    def note_stragglers(self) -> None:
        """Keeps it if a handler that was left alone still runs, as ``run`` has ended."""
        if self.stragglers is not None and self.stragglers.are_left:
            self.facts.abandoned = True

    def abandon(self) -> None:
        """Gives up on a task that refuses to end: the outcome comes without it."""
        self.facts.abandoned = True
        if self.phase is STARTUP:
            self.facts.stopped_in_start = True
        self.note_cut()
        stack = tasks.await_stack(self.task)
        self.core.emit(events.WorkerAbandoned, self.phase.value, stack)
        self.leave_running()
        self.settle()

    def settle(self) -> None:
        """Gives this life its outcome, once, and tells everybody."""
        if self.stop is not None:
            self.stop.clear()
        self.outcome = outcome = judge(self.facts)
        self.state = lifecycle.after(self.state, outcome.move)
        self.ended_after = self.loop.time() - self.began
        self.ended_wall = wall_time(self.loop)
        self.account = self.core.account()
        if outcome.exception is not None:
            self.traceback = outcome.exception.__traceback__
        self._emit_end(outcome)
        if self.trace is not None:
            self.trace.ended(outcome.reason, outcome.code, outcome.exception)
        self._end_start()
        if self.ended is not None:
            self.ended.wake(None)
        self.core.life_ended(self)
        self._tell_after_shutdown(outcome)

    def _emit_end(self, outcome: Outcome) -> None:
        core, reason, after = self.core, outcome.reason, self.ended_after
        if outcome.exception is not None:
            origin = self.origin or core.path
            core.emit(events.WorkerFailed, reason, after, outcome.exception, origin)
        elif outcome.move is Move.END_FORCED:
            core.emit(events.WorkerForceStopped, reason, after)
        else:
            core.emit(events.WorkerStopped, reason, after)

    def _tell_after_shutdown(self, outcome: Outcome) -> None:
        try:
            self.worker_alive().after_shutdown(outcome.reason, outcome.code)
        except SystemExit:  # its documented use: the process ends here
            raise
        except BaseException as error:
            self.core.emit(events.SecondaryError, "after_shutdown", error)

    def worker_alive(self) -> Worker:
        """Returns the worker, which a life keeps until its task has ended."""
        assert self.worker is not None
        return self.worker

    # --- errors that come in ---------------------------------------------------------------------

    def note_start_error(self, error: BaseException) -> None:
        """Keeps what ``on_startup`` raised."""
        if self.facts.start_error is not None:  # the limit came first and caused this one
            self.note_cleanup_error(error)
        elif isinstance(error, asyncio.CancelledError):
            self.facts.cancelled = error
        else:
            self.facts.start_error = error

    def fail(self, error: BaseException) -> None:
        """Ends the life with ``error``, without any grace."""
        if self.facts.run_error is None:
            self.facts.run_error = error
        self.core.force()

    def note_cut(self) -> None:
        """Keeps the error of a cleanup that overran its period, if this one did."""
        if self.stop is not None and self.stop.cut is not None:
            cut, self.stop.cut = self.stop.cut, None
            self.note_cleanup_error(cut)

    def note_cleanup_error(self, error: BaseException) -> None:
        """Keeps an error of the cleanup; says so at once where it will not decide the outcome."""
        if judge(self.facts).exception is not None:
            self.core.emit(events.SecondaryError, self.phase.value, error)
        self.facts.cleanup_errors += (error,)

    # --- the turns of its state ------------------------------------------------------------------

    def become_ready(self) -> None:
        """Says that the start is over; nothing once a stop was asked for."""
        if self.ready or self.stop_asked or self.state is not RUNNING:
            return
        self.ready = True
        self.core.emit(events.WorkerReady)
        if self.trace is not None:
            self.trace.ready()
        self._end_start()
        self.core.readied.wake(None)
        self.core.life_ready(self)

    def _end_start(self) -> None:
        if self.start is not None:
            self.start.end()
            self.start = None

    def ask_to_stop(self) -> bool:
        """Sets the flag; returns False if there is nothing (more) to ask. Safe from any thread."""
        if self.stop_asked or self.outcome is not None:
            return False
        self.stop_asked = True
        return True

    def begin_stop(self, unarmed: list[Life] | None = None) -> None:
        """Begins the stop in the loop: wake-ups and children now, deadlines a step later. Once.

        Args:
            unarmed: Takes this life, if it has begun to stop now, in place of a callback of its
                own: whoever stops many at once calls :meth:`arm_stop` of each a step later.
        """
        if self.stop_begun or self.outcome is not None:
            return
        self.stop_begun = True
        self.stop_since = self.loop.time()
        self.leave_running()
        self.core.stop_begun()
        # Behind the wake-ups in the queue: a worker that ends at once needs no deadlines.
        if unarmed is None:
            self.loop.call_soon(self.arm_stop)
        else:
            unarmed.append(self)

    def arm_stop(self) -> None:
        """Arms the deadlines of a stop that has begun a step ago and is not over."""
        if self.outcome is None:
            self.deadlines().arm()

    def has_deadlines(self) -> bool:
        """Returns whether a stop or a cleanup goes on, with an end that can be brought forward."""
        return self.outcome is None and (self.stop_begun or self.stop is not None)

    def deadlines(self) -> Stop:
        """Returns what brings the end about in bounded time; made when it is needed."""
        if self.stop is None:
            self.stop = Stop(self)
        return self.stop

    def bound_stop(self) -> None:
        """Starts the deadlines of a stop without asking for one.

        For a worker whose override of ``gracefully_stop`` did not pass the request on: it keeps
        the bound that everybody was promised.
        """
        if not self.stop_asked and self.stop is None and self.outcome is None:
            self.deadlines().bound()

    def leave_running(self) -> None:
        """Goes from RUNNING to STOPPING, if it has not gone yet."""
        if self.state is not RUNNING:
            return
        if self.stop_asked and not self.stop_begun:  # run() has ended in the step of the request
            self.begin_stop()
            return
        self.state = lifecycle.after(self.state, Move.STOP)
        self.ran_until = self.stop_since if self.stop_begun else self.loop.time()
        self.left_by_itself = not self.stop_asked
        if self.watchdog is not None:
            self.watchdog.end()
            self.watchdog = None
        if self.trace is not None:
            self.trace.stopping(asked=self.stop_asked)
        core = self.core
        if core.wants(events.WorkerStopping):
            core.emit(events.WorkerStopping, self.stop_asked, self._bound_from_here())
        self.stopping.wake(False)
        core.readied.wake(None)

    def _bound_from_here(self) -> float:
        if self.stop_begun:
            return max(self.deadlines().plan.end_by - self.loop.time(), 0.0)
        worker = self.worker_alive()
        return worker.cleanup_period + worker.cancel_period  # run() has ended: see arm_cleanup()

    # --- waiting ---------------------------------------------------------------------------------

    @property
    def is_cleaning(self) -> bool:
        """Whether the cleanup runs: then waits are plain waits."""
        return self.phase is not STARTUP and self.phase is not RUN

    async def sleep(self, seconds: float) -> bool:
        """Sleeps unless a stop is asked for; always gives the loop at least one step."""
        if self.is_cleaning or self.outcome is not None:
            await asyncio.sleep(seconds)
            return True
        if self.stop_asked:
            await asyncio.sleep(min(seconds, STOPPING_PAUSE))
            return False
        if seconds <= 0:
            await tasks.pause()
            return not self.stop_asked
        # Written out: most tasks of most programs stand here, so no frame more than needed.
        future = self.stopping.enter(self.loop)
        timer = None if isinf(seconds) else self.loop.call_later(seconds, settle, future, True)
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            self.stopping.leave(future)

    async def wait_ended(self) -> None:
        """Waits for the outcome. Cancellation: Safe."""
        if self.ended is None:
            self.ended = Waiters()
        await self.ended.wait(self.loop)

    async def wait_out(self) -> None:
        """Waits for the end, which has a bound; a cancel meanwhile is kept for afterwards."""
        interrupted: asyncio.CancelledError | None = None
        while self.outcome is None:
            try:
                await self.wait_ended()
            except asyncio.CancelledError as error:
                interrupted = error
        try:
            if interrupted is not None:
                raise interrupted
        finally:
            del interrupted

    def raise_outcome(self) -> None:
        """Raises what ended this life, if anything did, each time from where it came."""
        if self.outcome is not None and self.outcome.exception is not None:
            raise self.outcome.exception.with_traceback(self.traceback)


def _starts_at_once(worker: Worker) -> bool:
    """Returns whether there is nothing to wait for, and nothing to undo, in this worker's start."""
    return (
        is_default(worker.on_startup)
        and is_default(worker.on_shutdown)
        and not worker.announces_readiness
    )
