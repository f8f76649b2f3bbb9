"""One schedule, run: from a line of text to what came of it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ...errors import FluidError, FluidValueError
from ..loop import DEFAULT_LIVELOCK_AFTER
from ..run import OnLeaks, eager_task_factory, run_on
from .choosers import Choice, Chooser, Recorder, Scripted, Seeded
from .loop import ExploredLoop
from .queues import FifoQueue, ReadyQueue, queue_for
from .schedule import Policy, Schedule, stream
from .simulation import Simulation
from .watched import Step, Striking, Traced

Scenario: TypeAlias = Callable[[Simulation], Coroutine[Any, Any, object]]
"""Builds what it tests, lets it run, and asserts what has to be true whatever the order."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all runs of an exploration have in common."""

    horizon: float = 24 * 3600.0
    """The last instant of virtual time, in seconds. Default one day: a run that waits for what
    never comes, beside a timer that ticks, goes on until then, in every schedule that fails."""
    livelock_after: int = DEFAULT_LIVELOCK_AFTER
    """Callbacks allowed in one instant. Default 100,000."""
    leaks: OnLeaks = "error"
    """Whether what a run leaves alive is a failure. Default "error"."""
    debug: bool = False
    """Whether asyncio's debug mode is on. Default False."""
    logs: bool = False
    """Whether log records are made. Default False: a thousand schedules in which workers crash on
    purpose would print a thousand tracebacks. A replay always makes them."""


@dataclass(frozen=True)
class Run:
    """What came of one schedule."""

    schedule: Schedule
    """How it went."""
    error: BaseException | None
    """What the scenario raised, or what was wrong with what it left behind."""
    seconds: float
    """Virtual seconds that it took."""
    steps: int = 0
    """Steps that it took; 0 if nobody counted."""
    fired: tuple[str, ...] = ()
    """The faults that struck."""
    offers: tuple[str, ...] = ()
    """The faults that the scenario offered."""
    marks: Mapping[str, bool] = field(default_factory=dict)
    """What the scenario said that has to happen sometimes, and whether it did."""
    digest: str = ""
    """What all the steps amount to, if they were traced."""
    last: tuple[Step, ...] = ()
    """The last steps, if they were traced."""
    choices: tuple[Choice, ...] = ()
    """The choices, if they were recorded."""

    @property
    def deviations(self) -> tuple[tuple[int, int], ...]:
        """Where the schedule differs from FIFO, if its choices were recorded."""
        return tuple((choice.number, choice.taken) for choice in self.choices if choice.taken)

    def neighbours(self) -> Iterator[Schedule]:
        """Yields the schedules that go like this one, and deviate once more after all others."""
        choices = self.schedule.choices or ()
        last = choices[-1][0] if choices else -1
        for choice in self.choices:
            if choice.number > last:
                for taken in range(1, choice.options):
                    yield replace(self.schedule, choices=(*choices, (choice.number, taken)))


def simulate(
    scenario: Scenario,
    schedule: Schedule,
    conditions: Conditions = Conditions(),
    *,
    record: bool = False,
    keep: int | None = 0,
) -> Run:
    """Runs ``scenario`` once, as ``schedule`` says.

    Args:
        scenario: What to run.
        schedule: How.
        conditions: Under which conditions.
        record: Whether to record the choices and to count steps.
        keep: Trace the run, and keep so many of its last steps; None keeps all of them, 0 does not
            trace.

    Raises:
        FluidError: If a loop is running already. What is wrong with the run is in the run.
    """
    if asyncio._get_running_loop() is not None:
        raise FluidError(
            "no schedule can be run here: a loop is already running in this thread. "
            "Call explore() and its like from a plain function."
        )
    task_factory = eager_task_factory() if schedule.eager else None
    choose: Chooser = _chooser(schedule)
    recorder = Recorder(choose)
    traces = keep is None or keep > 0
    if record or traces:
        choose = recorder
    queue: ReadyQueue = queue_for(schedule.policy, choose)
    loop = ExploredLoop(
        schedule.policy,
        queue,
        choose,
        horizon=conditions.horizon,
        livelock_after=conditions.livelock_after,
    )
    sim = Simulation(schedule, loop)
    traced = striking = None
    if traces:
        queue = traced = Traced(queue, sim.is_over, loop.time_ns, recorder, keep)
    if record or traces or schedule.strikes:
        queue = striking = Striking(queue, sim.is_over, schedule.strikes, sim.strike)
    loop.watch(queue)
    loop.set_task_factory(task_factory)
    error = _error_of(scenario, sim, conditions)
    loop.watch(FifoQueue())  # the layers know the simulation, and that knows the loop: a cycle
    return Run(
        schedule=schedule,
        error=error,
        seconds=loop.time(),
        steps=striking.steps if striking is not None else 0,
        fired=tuple(striking.fired) if striking is not None else (),
        offers=sim.offers,
        marks=sim.marks,
        digest=traced.digest if traced is not None else "",
        last=tuple(traced.last) if traced is not None else (),
        choices=tuple(recorder.choices),
    )


def _chooser(schedule: Schedule) -> Chooser:
    if schedule.choices is not None or schedule.policy is Policy.FIFO:
        return Scripted(dict(schedule.choices or ()))
    return Seeded(stream(schedule.seed, "schedule"))


def _error_of(scenario: Scenario, sim: Simulation, conditions: Conditions) -> BaseException | None:
    async def main() -> None:
        sim.begin()
        try:
            await scenario(sim)
        except asyncio.CancelledError:
            if not sim.was_cancelled:
                raise
            # It may end like this; what it left behind counts all the same.
        finally:
            sim.end()  # before the loop takes its last pass

    gc_was_on = gc.isenabled()
    gc.disable()  # it runs when the schedule says so, or finalizers would choose their own step
    try:
        run_on(sim.loop, main, leaks=conditions.leaks, debug=conditions.debug, on_end=sim.end)
    except (KeyboardInterrupt, SystemExit) as error:
        error.add_note(f"raised in schedule {sim.schedule}")
        raise
    except BaseException as error:  # such as CancelledError, or what pytest.fail() raises
        return error
    finally:
        if gc_was_on:
            gc.enable()
    return None


def prepared(scenario: Callable[..., Coroutine[Any, Any, object]]) -> Scenario:
    """Returns ``scenario`` as a function that takes a :class:`Simulation`, wanted or not.

    Raises:
        FluidValueError: If it is no async function.
    """
    if not inspect.iscoroutinefunction(scenario):
        raise FluidValueError(
            f"{scenario!r} cannot be explored: it is no async function. A scenario is an "
            f"`async def` that takes a Simulation, or nothing."
        )
    wanted = any(
        parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        for parameter in inspect.signature(scenario).parameters.values()
    )
    return scenario if wanted else lambda _: scenario()


@contextmanager
def quiet(conditions: Conditions) -> Iterator[None]:
    """Keeps log records from being made, unless they are wanted."""
    before = logging.root.manager.disable
    if not conditions.logs:
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
