"""What a back-off remembers of a child: ends in a row, until one run of it was stable."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, ChildSpec, Supervisor
from fluid.events import RestartScheduled, WorkerEvent
from tests.scenarios.cast import Breakable
from tests.scenarios.restart_cast import InVain, all_but_the_first
from tests.scenarios.supervised_cast import FOR_EVER, Maker, makers, supervisor_of

STEADY = Backoff(initial=1, jitter=0, reset_after=60)
"""1, 2, 4, 8 seconds, and 1 again after a minute."""


class SlowToEnd(Breakable):
    """Cleans up for a minute and a half."""

    cleanup_period = 100

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await asyncio.sleep(90)


def app_of(*children: object, **options: object) -> Supervisor:
    """Returns a supervisor with a steady back-off and a limit that no test here reaches."""
    return supervisor_of(*children, backoff=STEADY, max_restarts=50, period=FOR_EVER, **options)


def waits_of(app: Supervisor) -> list[tuple[str, float]]:
    """Returns a list that fills with each child that will be restarted, and its wait in seconds."""
    waits: list[tuple[str, float]] = []

    def write(event: WorkerEvent) -> None:
        if isinstance(event, RestartScheduled):
            waits.append((event.path.rpartition("/")[2], event.delay))

    app.subscribe(write)
    return waits


async def run_and_break(child: Maker, *, after: float) -> None:
    """Breaks a child after so many seconds, and waits until it is up again."""
    await asyncio.sleep(after)
    before = child.now
    before.break_()
    while child.now is before or not child.now.is_ready():
        await asyncio.sleep(0.5)


@pytest.mark.parametrize(
    ("uptime", "wait"),
    [(0.5, 8), (59.5, 8), (60, 1), (61, 1)],
)
async def test_wait_begins_anew_after_a_stable_run(uptime: float, wait: float) -> None:
    """P17"""
    a = Maker("a")
    async with app_of(a) as app:
        waits = waits_of(app)
        for seconds in (1, 2, 4):
            await asyncio.sleep(1)
            a.now.break_()
            await asyncio.sleep(seconds)  # it is up again in this very instant
        await asyncio.sleep(uptime)
        a.now.break_()
        await asyncio.sleep(0.1)
        assert [seconds for _, seconds in waits] == [1, 2, 4, wait]


async def test_run_that_took_long_to_clean_up_is_not_stable_for_that() -> None:
    """P17: what counts is the time from when it was ready until it began to end."""
    a = Maker("a", SlowToEnd)
    async with app_of(a) as app:
        waits = waits_of(app)
        for _ in range(3):
            await run_and_break(a, after=1)
        assert waits == [("a", 1), ("a", 2), ("a", 4)]


async def test_start_in_vain_is_no_run_at_all() -> None:
    """P17"""
    a = InVain("a", all_but_the_first)
    async with app_of(a) as app:
        waits = waits_of(app)
        await asyncio.sleep(1)
        a.now.break_()
        await asyncio.sleep(14.5)
        assert waits == [("a", 1), ("a", 2), ("a", 4), ("a", 8)]


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_streak_is_a_childs_own(strategy: str) -> None:
    """P17: it does not grow when the child goes down with another."""
    a, b = makers("ab")
    async with app_of(a, b, strategy=strategy) as app:
        waits = waits_of(app)
        for child in (a, a, b, a):
            await run_and_break(child, after=1)
        assert waits == [("a", 1), ("a", 2), ("b", 1), ("a", 4)]


async def test_back_off_of_a_child_goes_before_that_of_its_supervisor() -> None:
    """P17"""
    a, b = makers("ab")
    async with app_of(a, ChildSpec(b, backoff=Backoff(initial=5, jitter=0))) as app:
        waits = waits_of(app)
        for child in (a, b, a, b):
            await run_and_break(child, after=1)
        assert waits == [("a", 1), ("b", 5), ("a", 2), ("b", 10)]


async def test_restart_that_was_asked_for_forgives_the_streak() -> None:
    """P20"""
    a = Maker("a")
    async with app_of(a) as app:
        waits = waits_of(app)
        for _ in range(3):
            await run_and_break(a, after=1)
        await app.restart_child("a")
        await run_and_break(a, after=1)
        assert waits == [("a", 1), ("a", 2), ("a", 4), ("a", 1)]


async def test_time_until_a_restart_can_be_seen() -> None:
    """P17, P20"""
    a = Maker("a")
    async with app_of(a) as app:
        await run_and_break(a, after=1)
        assert app.children()[0].restart_in is None
        await asyncio.sleep(1)
        a.now.break_()
        await asyncio.sleep(0.5)
        (child,) = app.children()
        assert (child.state, child.restart_in, child.restarts) == ("restarting", 1.5, 1)
        assert "restarting in 1.5s" in app.tree()
        assert not app.is_ready()
