"""Jobs and signals come from outside, so under most policies nobody knows when."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from fluid.testing import Policy
from tests.testing.watching import results, watched

FREE = pytest.mark.parametrize("policy", [Policy.LEGAL, Policy.SOURCE, Policy.RANDOM])
LATENESS = {0.0, 0.001, 0.02}


def now() -> float:
    return round(asyncio.get_running_loop().time(), 9)


async def job() -> float:
    await asyncio.to_thread(int)
    return now()


async def signalled() -> float:
    loop, received = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    loop.raise_signal(signal.SIGTERM)
    await received.wait()
    return now()


@pytest.mark.parametrize("scenario", [job, signalled])
def test_jobs_and_signals_are_punctual_under_fifo_and_may_be_late_elsewhere(scenario: Any):
    assert set(results(Policy.FIFO, scenario, 3)) == {0.0}
    for policy in (Policy.LEGAL, Policy.SOURCE, Policy.RANDOM):
        # A timer that brings it can itself be late.
        assert set(results(policy, scenario, 60)) > LATENESS


@FREE
def test_a_job_or_a_signal_that_is_still_on_its_way_at_the_end_is_no_leak(policy: Policy):
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, int)
        loop.add_signal_handler(signal.SIGTERM, lambda: None)
        loop.raise_signal(signal.SIGTERM)

    for seed in range(20):
        assert watched(scenario, f"{policy}:{seed}").error is None


@FREE
def test_two_jobs_can_end_in_any_order(policy: Policy):
    async def scenario() -> str:
        done: list[str] = []
        await asyncio.gather(*(asyncio.to_thread(done.append, name) for name in "ab"))
        return "".join(done)

    assert set(results(policy, scenario, 60)) == {"ab", "ba"}
