"""Runs a scenario under many schedules: by seeds, with a fault at every step, or all of them.

A scenario is an async function: it builds what it tests, lets it run, and asserts what has to be
true whatever the order. It runs on a virtual loop, from scratch in each schedule. The first
schedule that fails is made small, and raised as an :class:`ExplorationError` that says how to see
it again.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Literal, TypeAlias

from ..errors import FluidError, FluidValueError
from .schedules.explorer import Explorer
from .schedules.marks import judged_together
from .schedules.overrides import OVERRIDES, is_first_round
from .schedules.report import ExplorationError, failure_report
from .schedules.schedule import MIX, Policy, Schedule, Strike, policy_of, stream
from .schedules.simulate import Conditions, Run, prepared, simulate
from .schedules.simulation import BUILT_IN
from .schedules.tally import Tally

AnyScenario: TypeAlias = Callable[..., Coroutine[Any, Any, object]]
"""An async function that takes a :class:`Simulation`, or nothing."""

Eager: TypeAlias = bool | Literal["both"]
"""Whether tasks begin to run inside ``create_task`` (Python 3.12 and later); "both" for every
second schedule where Python can, and for none where it cannot."""

DEFAULT_SEEDS = 200
"""Source: most planted bugs show within 20 seeds, the hardest within 50; 200 take a second."""

CALM = Conditions()
"""What runs have in common unless you say otherwise."""


def explore(
    scenario: AnyScenario,
    *,
    seeds: int | Iterable[int] = DEFAULT_SEEDS,
    policies: Sequence[Policy] = MIX,
    faults: Sequence[str] | Literal["offered"] = (),
    eager: Eager = False,
    conditions: Conditions = CALM,
) -> Tally:
    """Runs ``scenario`` once for each seed, in an order of the seed's.

    Args:
        scenario: An async function that takes a :class:`Simulation`, or nothing.
        seeds: How many, or which. Seed 0 is the plain FIFO run. Default 200.
        policies: Each seed takes one of them. Default :data:`MIX`.
        faults: Strike with up to two of these in each schedule, at any step: names that the
            scenario offers, or built-in ones; ``"offered"`` for all that it offers. Default none.
        eager: Whether tasks are eager. Default False.
        conditions: What all runs have in common. Default ``Conditions()``.

    Returns:
        What was explored.

    Raises:
        FluidValueError: If the scenario is no async function, or there is no such policy or fault.
        FluidError: If a loop is running in this thread.
        ExplorationError: If a schedule fails; with the shortest that could be found.
        NotDeterministicError: If a schedule goes differently when it is run again.
        NeverHappenedError: If a mark of :meth:`Simulation.sometimes` never had happened.
    """
    if OVERRIDES.schedule is not None:
        return _replayed(scenario, conditions)
    policies = _checked(policies)
    with Explorer(scenario, conditions) as explorer:
        first = explorer.run(Schedule(eager=_is_eager(eager, 0)), record=bool(faults))
        names = _fault_names(faults, first, explorer.name)
        for seed in _seeds(seeds):
            if seed:
                schedule = Schedule(policy_of(seed, policies), seed, eager=_is_eager(eager, seed))
                explorer.run(replace(schedule, strikes=_strikes(seed, names, first.steps)))
    return explorer.tally


def sweep(
    scenario: AnyScenario,
    *,
    faults: Sequence[str] | Literal["offered"] = "offered",
    pairs: int = 0,
    eager: Eager = False,
    conditions: Conditions = CALM,
) -> Tally:
    """Runs ``scenario`` once for each fault and each step, with that fault before that step.

    The steps are those of the plain FIFO run, which comes first, without faults.

    Args:
        scenario: An async function that takes a :class:`Simulation`, or nothing.
        faults: Names of faults that the scenario offers, or of built-in ones. Default all that it
            offers.
        pairs: Then so many schedules more, each with two faults at two random steps. Default 0.
        eager: Whether tasks are eager. Default False.
        conditions: What all runs have in common. Default ``Conditions()``.

    Returns:
        What was explored.

    Raises:
        FluidValueError: If there is no fault to sweep with, or the scenario is no async function.
        FluidError: If a loop is running in this thread.
        ExplorationError: As :func:`explore` does.
        NotDeterministicError: As :func:`explore` does.
        NeverHappenedError: As :func:`explore` does.
    """
    if OVERRIDES.schedule is not None:
        return _replayed(scenario, conditions)
    with Explorer(scenario, conditions) as explorer:
        first = explorer.run(Schedule(), record=True)
        names = _fault_names(faults, first, explorer.name)
        if not names:
            raise FluidValueError(
                f"{explorer.name} cannot be swept: it offers no faults. Offer some, as in "
                f"sim.offer('stop', worker.gracefully_stop), or name built-in ones."
            )
        for step, name in product(range(first.steps if is_first_round() else 0), names):
            strike = Strike(name, step)
            if OVERRIDES.spares is None or not OVERRIDES.spares(strike):
                for is_eager in _both(eager):
                    explorer.run(Schedule(strikes=(strike,), eager=is_eager))
        for seed in _seeds(range(1, pairs + 1)) if pairs else ():
            strikes = _strikes(seed, names, first.steps, count=2)
            explorer.run(Schedule(seed=seed, strikes=strikes, eager=_is_eager(eager, seed)))
    return explorer.tally


def exhaust(
    scenario: AnyScenario,
    *,
    deviations: int = 2,
    policy: Policy = Policy.SOURCE,
    limit: int = 20_000,
    eager: bool = False,
    conditions: Conditions = CALM,
) -> Tally:
    """Runs ``scenario`` under every schedule that differs from FIFO in so many choices at the most.

    For small scenarios: where this passes, no failure needs fewer deviations.

    Args:
        scenario: An async function that takes a :class:`Simulation`, or nothing.
        deviations: Choices that may differ from FIFO's. Default 2.
        policy: The policy whose choices are tried; FIFO has none. Default SOURCE.
        limit: Schedules that may be run. Default 20,000.
        eager: Whether tasks are eager. Default False.
        conditions: What all runs have in common. Default ``Conditions()``.

    Returns:
        What was explored.

    Raises:
        FluidValueError: If the policy is FIFO, since that would prove nothing; or if the scenario
            is no async function.
        FluidError: If the limit came first, likewise; or if a loop is running in this thread.
        ExplorationError: As :func:`explore` does.
        NotDeterministicError: As :func:`explore` does.
        NeverHappenedError: As :func:`explore` does.
    """
    if OVERRIDES.schedule is not None:
        return _replayed(scenario, conditions)
    if policy is Policy.FIFO:
        raise FluidValueError(
            "policy=fifo leaves nothing to choose: name another, such as Policy.SOURCE"
        )
    with Explorer(scenario, conditions) as explorer:

        def descend(schedule: Schedule, left: int) -> None:
            if explorer.tally.schedules >= limit:
                raise FluidError(
                    f"{explorer.name} has more than {limit:,} schedules with up to {deviations} "
                    f"deviations: make it smaller, allow fewer, or raise the limit"
                )
            run = explorer.run(schedule, record=True)
            if left:
                for further in run.neighbours():
                    descend(further, left - 1)

        descend(Schedule(policy, choices=(), eager=eager), deviations if is_first_round() else 0)
    return explorer.tally


def replay(
    scenario: AnyScenario, schedule: Schedule | str, *, conditions: Conditions = CALM
) -> Run:
    """Runs ``scenario`` in one schedule, with log records, and keeps every step.

    Args:
        scenario: The scenario that failed.
        schedule: What the report says, for example ``"legal:17"``.
        conditions: What the exploration ran under. Default ``Conditions()``.

    Returns:
        What came of it; ``last`` has the steps.

    Raises:
        FluidValueError: If the schedule cannot be read, or the scenario is no async function.
        FluidError: If a loop is running in this thread.
        ExplorationError: If it fails.
    """
    wanted = Schedule.parse(schedule) if isinstance(schedule, str) else schedule
    conditions = replace(conditions, logs=True)
    run = simulate(prepared(scenario), wanted, conditions, record=True, keep=None)
    if run.error is not None:
        name = getattr(scenario, "__qualname__", repr(scenario))
        raise ExplorationError(
            failure_report(name, run, run, 1), wanted, wanted, run
        ) from run.error
    return run


def explored(
    *,
    seeds: int | Iterable[int] = DEFAULT_SEEDS,
    policies: Sequence[Policy] = MIX,
    faults: Sequence[str] | Literal["offered"] = (),
    swept: bool = False,
    pairs: int = 0,
    deviations: int = 0,
    eager: Eager = False,
    conditions: Conditions = CALM,
) -> Callable[[AnyScenario], Callable[..., None]]:
    """Makes a plain test function of a scenario: it explores, then sweeps, then exhausts.

    A parameter called ``sim`` is handed the :class:`Simulation`; all others are the test's, such as
    fixtures and parametrized values. A fixture is made once for all schedules.

    Args:
        seeds: As in :func:`explore`.
        policies: As in :func:`explore`.
        faults: As in :func:`explore`.
        eager: As in :func:`explore`.
        conditions: As in :func:`explore`.
        swept: Whether to :func:`sweep` too, with ``faults``, or all that are offered. Default
            False.
        pairs: As in :func:`sweep`.
        deviations: :func:`exhaust` up to so many; 0 does not. Default 0.

    Returns:
        What makes the test, which raises what :func:`explore` does.
    """

    def decorate(scenario: AnyScenario) -> Callable[..., None]:
        signature = inspect.signature(scenario)
        takes_sim = "sim" in signature.parameters
        prepared(scenario)

        @functools.wraps(scenario)
        def test(*args: Any, **values: Any) -> None:
            async def bound(sim: Any) -> None:
                await (
                    scenario(*args, sim=sim, **values) if takes_sim else scenario(*args, **values)
                )

            bound.__qualname__ = scenario.__qualname__
            with judged_together(scenario.__qualname__):
                explore(
                    bound,
                    seeds=seeds,
                    policies=policies,
                    faults=faults,
                    eager=eager,
                    conditions=conditions,
                )
                if swept:
                    sweep(
                        bound,
                        faults=faults or "offered",
                        pairs=pairs,
                        eager=eager,
                        conditions=conditions,
                    )
                if deviations:
                    exhaust(
                        bound, deviations=deviations, eager=eager is True, conditions=conditions
                    )

        parameters = [value for name, value in signature.parameters.items() if name != "sim"]
        test.is_explored = True  # type: ignore[attr-defined]
        test.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return test

    return decorate


def _replayed(scenario: AnyScenario, conditions: Conditions) -> Tally:
    assert OVERRIDES.schedule is not None
    tally = Tally()
    tally.count(replay(scenario, OVERRIDES.schedule, conditions=conditions))
    return tally


def _seeds(seeds: int | Iterable[int]) -> Iterable[int]:
    if OVERRIDES.seeds is not None:
        return OVERRIDES.seeds
    return range(seeds) if isinstance(seeds, int) else seeds


def _checked(policies: Sequence[Policy]) -> Sequence[Policy]:
    # A policy is text, and text is a sequence: both slips would pass for other policies.
    if isinstance(policies, str):
        raise FluidValueError(
            f"policies={policies!s} is one policy: write policies=[Policy.{policies.upper()}]"
        )
    if not policies or not all(isinstance(policy, Policy) for policy in policies):
        raise FluidValueError(
            f"policies={policies!r} cannot be explored: name one or more, as in "
            f"policies=[Policy.LEGAL, Policy.SOURCE]"
        )
    return policies


def _both(eager: Eager) -> tuple[bool, ...]:
    if eager == "both":
        return (False, True) if sys.version_info >= (3, 12) else (False,)
    return (eager,)


def _is_eager(eager: Eager, seed: int) -> bool:
    choices = _both(eager)
    return choices[seed % len(choices)]


def _fault_names(
    faults: Sequence[str] | Literal["offered"], first: Run, scenario: str
) -> tuple[str, ...]:
    if faults == "offered":
        return first.offers
    if isinstance(faults, str):
        raise FluidValueError(f"faults={faults!r} is one name: write faults=[{faults!r}]")
    known = (*first.offers, *BUILT_IN)
    for name in faults:
        if name not in known:
            raise FluidValueError(
                f"fault {name!r} is not one that {scenario} offers: {', '.join(known)}"
            )
    return tuple(faults)


def _strikes(
    seed: int, names: Sequence[str], steps: int, count: int | None = None
) -> tuple[Strike, ...]:
    """Returns two faults, or one, or none.

    The first may strike at any step of the plain run, the second as long after it: what follows a
    fault has steps of its own.
    """
    random = stream(seed, "faults")
    if not names or not steps:
        return ()
    number = random.choice((0, 1, 1, 2)) if count is None else count
    strikes: list[Strike] = []
    for _ in range(number):
        after = strikes[-1].step + 1 if strikes else 0
        strikes.append(Strike(random.choice(names), after + random.randrange(steps)))
    return tuple(strikes)
