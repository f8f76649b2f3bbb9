"""A back-off ends when the loop says so: its timers may be early by the resolution of its clock."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, Supervisor, Worker


class Crashing(Worker):
    """Fails at once, so many times; then it stays."""

    crashes_left = 0

    async def run(self) -> None:
        if Crashing.crashes_left:
            Crashing.crashes_left -= 1
            raise ConnectionError("no route")
        while await self.sleep(3600):
            pass


@pytest.mark.parametrize("seed", range(4))
async def test_child_is_restarted_though_the_clock_reads_a_little_less_than_its_time(seed):
    """The jitter makes instants that a clock of whole nanoseconds rounds down half the time."""
    Crashing.crashes_left = 4
    async with Supervisor(Crashing, seed=seed, backoff=Backoff(maximum=1)) as app:
        await asyncio.sleep(10)
        (child,) = app.children()
        assert (child.restarts, child.state) == (4, "running")


async def test_child_is_restarted_where_timers_are_early(monkeypatch):
    """As on Windows, where the clock of the loop is 16 milliseconds coarse."""
    loop, call_at = asyncio.get_running_loop(), type(asyncio.get_running_loop()).call_at
    monkeypatch.setattr(
        type(loop),
        "call_at",
        lambda self, when, *args, **options: call_at(self, when - 0.016, *args, **options),
    )
    Crashing.crashes_left = 1
    async with Supervisor(Crashing, seed=0) as app:
        await asyncio.sleep(1)
        (child,) = app.children()
        assert (child.restarts, child.state) == (1, "running")
