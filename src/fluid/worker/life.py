"""One incarnation of a worker, from ``startup()`` to its outcome: one task and its deadlines.

:meth:`Life.live` is the whole of it, as a list of verbs. What may follow what, and what all of it
amounts to, is decided in :mod:`fluid.rules`; how a user sees it is in ``base.py``.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from enum import Enum
from math import inf, isinf
from types import TracebackType
from typing import TYPE_CHECKING

from .. import events, tasks
from ..clock import wall_time
from ..errors import CleanupTimeoutError, StartTimeoutError, WorkerStartError
from ..rules import lifecycle
from ..rules.lifecycle import Move, WorkerState
from ..rules.outcome import Facts, Outcome, judge
from ..settings import STILL_STARTING_PERIOD
from .ladder import Ladder, Rung
from .plan import StopPlan, plan_of
from .waits import Waiters

if TYPE_CHECKING:
    from .base import Worker
    from .core import Core
    from .exit import WorkerExit

STOPPING_PAUSE = 0.01
"""Seconds that ``sleep`` still takes in a worker that is stopping.

Without a pause, a loop that forgets to look at the result of ``sleep`` would spin.
"""

inside: ContextVar[weakref.ref[Core] | None] = ContextVar("fluid_inside", default=None)
"""The worker whose code is running; inherited by the tasks and callbacks that it creates.

Weak, because a context lives as long as the last timer that was made in it.
"""


class Phase(Enum):
    """What the worker's task is executing."""

    STARTUP = "on_startup"
    RUN = "run"
    UNDELIVERED = "on_undelivered"
    SHUTDOWN = "on_shutdown"
    EXIT_STACK = "the exit stack"


class Life:
    """The task of one incarnation, its state, its deadlines, and everybody who waits for it."""

    __slots__ = (
        "began",
        "began_wall",
        "cancels",
        "account",
        "cut",
        "ended",
        "ended_after",
        "ended_wall",
        "exit_stack",
        "facts",
        "ladder",
        "loop",
        "name",
        "origin",
        "outcome",
        "outer",
        "phase",
        "plan",
        "ready",
        "record",
        "start_timers",
        "started_up",
        "starter",
        "state",
        "stop_asked",
        "stop_begun",
        "stopping",
        "task",
        "traceback",
        "worker",
    )

    def __init__(self, name: str, worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.worker: Worker | None = worker
        self.loop = loop
        self.task: asyncio.Task[None] | None = None
        self.state = lifecycle.after(WorkerState.INIT, Move.START)
        self.phase = Phase.STARTUP
        self.facts = Facts()
        self.outcome: Outcome | None = None
        self.traceback: TracebackType | None = None
        self.origin = ""
        self.outer = inside.get()
        self.exit_stack: AsyncExitStack | None = None
        self.account: Mapping[str, int] = {}
        self.record: WorkerExit | None = None

        self.stop_asked = False
        """The one flag of a stop; any thread may set it, nobody clears it."""
        self.stop_begun = False
        """The loop has begun the stop."""
        self.started_up = False
        self.ready = False
        self.cancels = 0
        """Cancels of ours that the current hook has not yet answered for."""
        self.cut: CleanupTimeoutError | None = None
        """Set when the cleanup overran its period and was cancelled for it."""

        self.ladder = Ladder(loop)
        self.plan = StopPlan(inf, worker.cancel_period, worker.cleanup_period, inf)
        self.start_timers: tuple[asyncio.TimerHandle, ...] = ()
        self.starter: asyncio.Future[None] | None = None
        self.stopping: Waiters[bool] = Waiters()
        self.ended: Waiters[None] = Waiters()

        self.began = loop.time()
        self.began_wall = wall_time(loop)
        self.ended_after = 0.0
        self.ended_wall = 0.0

    # --- the life itself -------------------------------------------------------------------------

    def begin(self) -> None:
        """Makes the task. With an eager task factory it may have ended when this returns."""
        self.core.emit(events.WorkerStarted)
        self._arm_start_timers(self._worker().start_timeout)
        tasks.spawn(self.live(), loop=self.loop, name=self.name, on_end=self._task_ended)

    async def live(self) -> None:
        """Starts up, works, cleans up: everything in one task and one context."""
        self.task = asyncio.current_task()
        inside.set(weakref.ref(self.core))
        error: BaseException | None = None
        if await self._start_up():
            error = await self._work()
        await self._clean_up(error)
        self._finish()

    async def _start_up(self) -> bool:
        if self.stop_asked:  # before the first step: the hook never begins
            self.facts.stopped_in_start = True
            return False
        error = await self._attempt(self._worker().on_startup)
        error, was_ours = await self._answer_for_cancels(error)
        self._disarm_start_timers()
        self.started_up = error is None
        if error is not None and not (was_ours and isinstance(error, asyncio.CancelledError)):
            self._note_start_error(error)
        elif self.stop_asked or was_ours:
            self.facts.stopped_in_start = True
        return self.started_up and not self.facts.stopped_in_start

    async def _work(self) -> BaseException | None:
        self.phase = Phase.RUN
        error = await self._attempt(self._ready_and_run)
        error, was_ours = await self._answer_for_cancels(error)
        self.facts.forced = was_ours
        self.core.run_ended(error)
        if not isinstance(error, asyncio.CancelledError):
            self.facts.run_error = error
        elif not was_ours:
            self.facts.cancelled = error
        return error

    async def _ready_and_run(self) -> None:
        worker = self._worker()
        if not worker.announces_readiness:
            self.become_ready()
            # The starter was woken first, so it sees a worker that is running, however short
            # its run() may be.
            await tasks.pause()
        await worker.run()

    async def _clean_up(self, error: BaseException | None) -> None:
        self._leave_running()
        stack = self.exit_stack
        self._arm_cleanup()
        if (hand_back := self.core.hand_back()) is not None:
            await self._tidy(Phase.UNDELIVERED, hand_back)
        if self.started_up:
            await self._tidy(Phase.SHUTDOWN, self._worker().on_shutdown)
        if stack is not None:
            await self._tidy(Phase.EXIT_STACK, lambda: _close(stack, error))
            self.exit_stack = None
        self.ladder.clear()

    async def _tidy(self, phase: Phase, hook: Callable[[], Awaitable[None]]) -> None:
        self.phase = phase
        error = await self._attempt(hook)
        error, was_ours = await self._answer_for_cancels(error, keep_ladder=True)
        if self.cut is not None:
            self._note_cleanup_error(self.cut)
            self.cut = None
        if error is not None and not (was_ours and isinstance(error, asyncio.CancelledError)):
            self._note_cleanup_error(error)

    def _note_cleanup_error(self, error: BaseException) -> None:
        """Keeps an error of the cleanup; says so at once where it will not decide the outcome."""
        if self.facts.have_error:
            self.core.emit(events.SecondaryError, self.phase.value, error)
        self.facts.cleanup_errors.append(error)

    @staticmethod
    async def _attempt(hook: Callable[[], Awaitable[None]]) -> BaseException | None:
        """Awaits a hook of the user's and returns what it raised, whatever that is."""
        try:
            await hook()
        except GeneratorExit:  # the loop is being torn down: nothing may be awaited any more
            raise
        except BaseException as error:
            return error
        return None

    async def _answer_for_cancels(
        self, error: BaseException | None, *, keep_ladder: bool = False
    ) -> tuple[BaseException | None, bool]:
        """Settles the cancels that a hook has left on the task, so that the next one starts clean.

        Returns:
            What ended the hook, and whether we had cancelled it.
        """
        if not keep_ladder:
            self.ladder.clear()
        was_ours, self.cancels = self.cancels > 0, 0
        task = self.task
        if task is not None and task.cancelling():
            try:
                # A cancel that the hook asked for itself, on its last step, is still on its way.
                await tasks.pause()
            except asyncio.CancelledError as late:
                error = error or late
            while task.cancelling():
                task.uncancel()
        return error, was_ours

    def _finish(self) -> None:
        """Ends the life, or, for one that was abandoned, says that its task has ended at last."""
        facts = self.facts
        if self.outcome is None:
            self.settle()
        else:
            errors = [facts.run_error, facts.start_error, *facts.cleanup_errors]
            late = next((error for error in errors if error not in self._known_errors()), None)
            self.core.emit(events.LateEnd, late)
        self._let_go()

    def _known_errors(self) -> tuple[BaseException | None, ...]:
        assert self.outcome is not None
        return (None, self.outcome.exception, *self.outcome.errors)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Catches the one life that :meth:`live` cannot end: cancelled before its first step."""
        if self.outcome is None:
            if self.stop_asked:
                self.facts.stopped_in_start = True
            else:
                self.facts.cancelled = tasks.end_of(task) or asyncio.CancelledError()
            self._leave_running()
            self.settle()
        self._let_go()

    def _let_go(self) -> None:
        """Drops what would keep the worker alive for no reason, now that its task is over."""
        self.worker = self.task = self.outer = None

    def settle(self) -> None:
        """Gives this life its outcome, once, and tells everybody."""
        self.ladder.clear()
        self._disarm_start_timers()
        self.outcome = outcome = judge(self.facts)
        self.state = lifecycle.after(self.state, outcome.move)
        self.ended_after = self.loop.time() - self.began
        self.ended_wall = wall_time(self.loop)
        self.account = self.core.account()
        if outcome.exception is not None:
            self.traceback = outcome.exception.__traceback__
        self._emit_end(outcome)
        self.stopping.wake(False)
        self.core.readied.wake(None)
        self.ended.wake(None)
        self._wake_starter()
        self.core.life_ended(self)
        self._tell_after_shutdown(outcome)

    def _emit_end(self, outcome: Outcome) -> None:
        core = self.core
        if outcome.exception is not None:
            origin = self.origin or core.path
            core.emit(
                events.WorkerFailed, outcome.reason, self.ended_after, outcome.exception, origin
            )
        elif outcome.move is Move.END_FORCED:
            core.emit(events.WorkerForceStopped, outcome.reason, self.ended_after)
        else:
            core.emit(events.WorkerStopped, outcome.reason, self.ended_after)

    def _tell_after_shutdown(self, outcome: Outcome) -> None:
        try:
            self._worker().after_shutdown(outcome.reason, outcome.code)
        except SystemExit:  # its documented use: the process ends here
            raise
        except BaseException as error:
            self.core.emit(events.SecondaryError, "after_shutdown", error)

    @property
    def core(self) -> Core:
        """The worker's private side, reached through the worker so that the two form no cycle."""
        return self._worker()._worker

    def _worker(self) -> Worker:
        assert self.worker is not None, "a life keeps its worker until its task has ended"
        return self.worker

    # --- starting --------------------------------------------------------------------------------

    def become_ready(self) -> None:
        """Says that the start is over; nothing once a stop was asked for."""
        if self.ready or self.stop_asked or self.state is not WorkerState.RUNNING:
            return
        self.ready = True
        self._disarm_start_timers()
        self.core.emit(events.WorkerReady)
        self._wake_starter()
        self.core.readied.wake(None)
        self.core.life_ready(self)

    async def until_started(self) -> None:
        """Waits for the start to succeed or to fail with everything cleaned up.

        Cancellation: The start is given up; its end is waited for; then the cancel goes on.
        """
        if not self.ready and self.outcome is None:
            self.starter = self.loop.create_future()
            try:
                await self.starter
            except asyncio.CancelledError:
                self.ask_to_stop()
                self.begin_stop()
                await self._wait_out()
                raise
        was_ready = self.ready
        if was_ready and not self.stop_asked and self.state is WorkerState.RUNNING:
            return
        await self._wait_out()
        self.raise_outcome()
        if not was_ready or self.stop_asked:
            raise WorkerStartError(f"worker {self.name!r} did not start: {self._why_not()}")

    def _why_not(self) -> str:
        return "it was stopped" if self.stop_asked else "its run() ended before it was ready"

    async def _wait_out(self) -> None:
        """Waits for the end, which has a bound; a cancel meanwhile is kept for afterwards."""
        interrupted: asyncio.CancelledError | None = None
        while self.outcome is None:
            try:
                await self.ended.wait(self.loop)
            except asyncio.CancelledError as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _arm_start_timers(self, limit: float | None) -> None:
        timers = [self.loop.call_later(STILL_STARTING_PERIOD, self._still_starting)]
        if limit is not None:
            timers.append(self.loop.call_later(limit, self._start_overran, limit))
        self.start_timers = tuple(timers)

    def _disarm_start_timers(self) -> None:
        for timer in self.start_timers:
            timer.cancel()
        self.start_timers = ()

    def _still_starting(self) -> None:
        elapsed = self.loop.time() - self.began
        self.core.emit(events.StillStarting, elapsed, tasks.await_stack(self.task))
        again = self.loop.call_later(STILL_STARTING_PERIOD, self._still_starting)
        self.start_timers = (again, *self.start_timers[1:])

    def _start_overran(self, limit: float) -> None:
        self.facts.start_error = StartTimeoutError(
            f"worker {self.name!r} was not ready after {limit:g} seconds",
            timeout=limit,
            stack=tasks.await_stack(self.task),
        )
        self.ask_to_stop()
        self.begin_stop()

    def _note_start_error(self, error: BaseException) -> None:
        if self.facts.start_error is not None:  # the limit came first and caused this one
            self._note_cleanup_error(error)
        elif isinstance(error, asyncio.CancelledError):
            self.facts.cancelled = error
        else:
            self.facts.start_error = error

    def _wake_starter(self) -> None:
        if self.starter is not None and not self.starter.done():
            self.starter.set_result(None)

    # --- stopping --------------------------------------------------------------------------------

    def ask_to_stop(self) -> bool:
        """Sets the flag; returns False if there is nothing (more) to ask. Safe from any thread."""
        if self.stop_asked or self.outcome is not None:
            return False
        self.stop_asked = True
        return True

    def begin_stop(self) -> None:
        """Begins the stop in the loop: deadlines, wake-ups, children. Once."""
        if self.stop_begun or self.outcome is not None:
            return
        self.stop_begun = True
        now = self.loop.time()
        self.plan = self.core.stop_plan(self._worker(), now)
        if self.phase is Phase.STARTUP:  # it has nothing to finish: no grace
            self._arm_cancel(now)
        elif self.phase is Phase.RUN:
            self._arm_cancel(self.plan.cancel_at)
        self._leave_running()
        self.core.stop_begun()

    def bound_stop(self) -> None:
        """Starts the deadlines of a stop without asking for one.

        For a worker whose override of ``gracefully_stop`` did not pass the request on: it keeps
        the bound that everybody was promised.
        """
        if not self.stop_asked and self.outcome is None:
            plan = self.core.stop_plan(self._worker(), self.loop.time())
            at = plan.end_by if isinf(plan.cancel_at) else plan.cancel_at
            self.ladder.climb((Rung(at, self.core.force),))

    def cut_grace(self) -> None:
        """Takes away what is left of the grace: ``run`` is cancelled now."""
        if self.phase is Phase.RUN and not self.cancels and self.outcome is None:
            self._arm_cancel(self.loop.time())

    def hurry(self, deadline: float) -> None:
        """Moves what is left of the stop's deadlines so that the last one is at ``deadline``."""
        if self.outcome is not None or deadline >= self.plan.end_by:
            return
        self.plan = self.plan._replace(end_by=deadline)
        if self.phase is Phase.RUN and not self.ladder.is_armed:  # its grace was infinite
            worker, now = self._worker(), self.loop.time()
            periods = self.core.own_periods(worker).within(deadline - now)
            self.plan = plan_of(periods, now)
            self._arm_cancel(self.plan.cancel_at)
        else:
            self.ladder.hurry(deadline)

    def _arm_cancel(self, at: float) -> None:
        period = self.plan.cancel_period
        self.ladder.climb(
            (
                Rung(at, self._cancel),
                Rung(at + period, self._cancel),
                Rung(at + 2 * period, self._abandon),
            )
        )

    def _arm_cleanup(self) -> None:
        plan, now = self.plan, self.loop.time()
        cut_at = now + min(plan.cleanup_period, max(plan.end_by - now, 0.0))
        rungs = [Rung(cut_at, self._cut)]
        if self.outcome is None:
            # The cut gets a moment to work, as far as the whole stop's bound has room for it.
            give_up_at = min(cut_at + plan.cancel_period, max(cut_at, plan.end_by))
            rungs.append(Rung(give_up_at, self._abandon))
        self.ladder.climb(rungs)

    def _cancel(self) -> None:
        assert self.task is not None
        self.cancels += 1
        if self.phase is not Phase.STARTUP:
            stack = tasks.await_stack(self.task)
            self.core.emit(events.WorkerCancelledByForce, self.phase.value, self.cancels, stack)
        tasks.cancel(self.task, f"fluid: worker {self.name!r} has to end now")

    def _cut(self) -> None:
        assert self.task is not None
        period = self.plan.cleanup_period
        self.cut = CleanupTimeoutError(
            f"worker {self.name!r} was still in {self.phase.value} "
            f"when its cleanup period of {period:g} seconds was over",
            timeout=period,
            stack=tasks.await_stack(self.task),
        )
        self.cancels += 1
        tasks.cancel(self.task, str(self.cut))

    def _abandon(self) -> None:
        self.facts.abandoned = True
        if self.phase is Phase.STARTUP:
            self.facts.stopped_in_start = True
        if self.cut is not None:
            self._note_cleanup_error(self.cut)
            self.cut = None
        stack = tasks.await_stack(self.task)
        self.core.emit(events.WorkerAbandoned, self.phase.value, stack)
        self._leave_running()
        self.settle()

    def _leave_running(self) -> None:
        if self.state is not WorkerState.RUNNING:
            return
        self.state = lifecycle.after(self.state, Move.STOP)
        self.stopping.wake(False)
        self.core.readied.wake(None)
        bound = max(self.plan.end_by - self.loop.time(), 0.0) if self.stop_begun else 0.0
        self.core.emit(events.WorkerStopping, self.stop_asked, bound)

    # --- waiting ---------------------------------------------------------------------------------

    @property
    def is_cleaning(self) -> bool:
        """Whether the cleanup runs: then waits are plain waits."""
        return self.phase not in (Phase.STARTUP, Phase.RUN)

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
        return await self.stopping.wait_for_seconds(self.loop, seconds, default=True)

    def raise_outcome(self) -> None:
        """Raises what ended this life, if anything did, each time from where it came."""
        if self.outcome is not None and self.outcome.exception is not None:
            raise self.outcome.exception.with_traceback(self.traceback)


async def _close(stack: AsyncExitStack, error: BaseException | None) -> None:
    """Closes ``stack`` as if it had been a ``with`` block around the worker's ``run``.

    A transaction on it is rolled back when ``run`` failed or was cut short, not committed.
    """
    if error is None:
        await stack.aclose()
        return
    try:
        await stack.__aexit__(type(error), error, error.__traceback__)
    except BaseException as raised:
        if raised is not error:
            raise
