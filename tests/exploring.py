"""How fluid's own scenarios are explored: a fixed, small number of seeds, with eager tasks too.

``make explore`` runs the same scenarios under as many seeds as you have time for.

Much of what a sweep strikes with strikes in vain: who has ended is stopped again, before each step
that is left. Of such steps in a row only the first is swept here, and of all steps every third one:
what 3.11 leaves out is for 3.12 and 3.13. The campaign sweeps them all.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fluid.testing
from fluid import Worker
from fluid.testing import Conditions, Schedule, Simulation, Strike
from fluid.testing.exploring import CALM
from fluid.testing.schedules.overrides import OVERRIDES
from fluid.testing.schedules.simulate import quiet, simulate

SEEDS = 12
"""Enough for most races, and little enough for every change; the campaign goes further."""

LOOK = "look for idle faults"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a scenario may offer, if it knows when that changes nothing."""

    action: Callable[[], object]
    """Does it."""
    is_idle: Callable[[], bool]
    """Says whether it would change nothing now, nor after the next step if nobody else does."""

    def __call__(self) -> object:
        return self.action()


def explored(
    *, swept: bool = False, conditions: Conditions = CALM, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Makes a test of a scenario, as ``fluid.testing.explored`` does, and spares it idle strikes.

    Args:
        swept: Whether to sweep too.
        conditions: What all runs have in common.
        options: All others, as there; other defaults are ``seeds=SEEDS`` and ``eager="both"``.
    """
    options = {"seeds": SEEDS, "eager": "both", **options}
    as_test = fluid.testing.explored(swept=swept, conditions=conditions, **options)

    def decorate(scenario: Callable[..., Any]) -> Callable[..., None]:
        explore_and_sweep = as_test(scenario)
        if not swept or "sim" not in inspect.signature(scenario).parameters:
            return explore_and_sweep

        @functools.wraps(explore_and_sweep)
        def test(*args: Any, **values: Any) -> None:
            if OVERRIDES.seeds is not None or OVERRIDES.schedule is not None:  # a campaign
                explore_and_sweep(*args, **values)
                return
            idle = idle_strikes(functools.partial(scenario, *args, **values), conditions)
            OVERRIDES.spares = lambda strike: strike in idle or is_left_to_another_python(strike)
            try:
                explore_and_sweep(*args, **values)
            finally:
                OVERRIDES.spares = None

        return test

    return decorate


def is_left_to_another_python(strike: Strike) -> bool:
    """Returns whether a strike is one of the two thirds that this Python does not try.

    Three of them in a row strike at every step, and the campaign does so by itself.
    """
    return (strike.step + len(strike.fault) + sys.version_info.minor) % 3 != 0


def idle_strikes(scenario: Callable[..., Any], conditions: Conditions) -> set[Strike]:
    """Returns what strikes the plain run in vain, but for the first of all such steps in a row."""
    found: set[Strike] = set()
    idle: set[str] = set()
    step = 1  # before the first there is nothing on offer

    async def plain(sim: Simulation) -> None:
        await scenario(sim=sim)

    async def watched(sim: Simulation) -> None:
        def look() -> None:
            nonlocal idle, step
            now_idle = {fault for fault, action in sim._offers.items() if _is_idle(action)}
            found.update(Strike(fault, step) for fault in idle & now_idle)
            idle, step = now_idle, step + 1

        sim.offer(LOOK, look)
        await scenario(sim=sim)

    with quiet(conditions):
        steps = simulate(plain, Schedule(), conditions, record=True).steps
        looks = tuple(Strike(LOOK, number) for number in range(1, steps))
        error = simulate(watched, Schedule(strikes=looks), conditions).error
    return set() if error is not None else found  # and the sweep will say what is wrong


def _is_idle(action: Callable[[], object]) -> bool:
    if isinstance(action, Fault):
        return action.is_idle()
    match getattr(action, "__self__", None):
        case asyncio.Future() as task:  # its cancel
            return task.done()
        case Worker() as worker:  # its gracefully_stop
            return worker.is_stopped()
    return False
