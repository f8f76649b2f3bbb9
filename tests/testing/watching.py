"""What the explorer's own tests look at: one schedule, run and watched, and how often it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fluid.testing import Conditions, Policy, Run, Schedule
from fluid.testing.schedules.simulate import prepared, simulate


def watched(scenario: Callable[..., Any], schedule: str = "fifo", **conditions: Any) -> Run:
    """Runs one schedule, given as text, and keeps all its choices and steps."""
    conditions_ = Conditions(**conditions)
    return simulate(
        prepared(scenario), Schedule.parse(schedule), conditions_, record=True, keep=None
    )


def failing_seeds(
    scenario: Callable[..., Any], policy: Policy, seeds: Iterable[int], eager: bool = False
) -> Iterable[int]:
    """Yields the seeds under which a scenario fails, without any search for a smaller schedule."""
    prepared_ = prepared(scenario)
    for seed in seeds:
        if simulate(prepared_, Schedule(policy, seed, eager=eager)).error is not None:
            yield seed


def results(policy: Policy, scenario: Callable[[], Coroutine[Any, Any, Any]], seeds: int) -> Any:
    """Returns what a scenario returns under so many seeds, and how often each."""
    returned: list[Any] = []

    async def keeping() -> None:
        returned.append(await scenario())

    for seed in range(1, seeds + 1):
        error = watched(keeping, f"{policy}:{seed}").error
        assert error is None, (seed, error)
    return Counter(returned)
