"""The alarms of a loop: in order, and first in first out where they tie."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.worker.timers.alarm_cast import Sleepers, both_clocks
from tests.worker.timers.firing_cast import block, until


@both_clocks
async def test_each_alarm_rings_at_its_instant(*, by_wall_clock: bool) -> None:
    sleepers = Sleepers()
    instants = [Random(0).uniform(0, 1000) for _ in range(200)]
    for instant in instants:
        sleepers.set(instant, instant, by_wall_clock=by_wall_clock)
    await until(1001)
    assert [name for _, name in sleepers.woken] == sorted(instants)
    assert [time for time, _ in sleepers.woken] == pytest.approx(sorted(instants), abs=1e-6)


@both_clocks
async def test_of_alarms_at_one_instant_the_first_that_was_set_rings_first(
    *, by_wall_clock: bool
) -> None:
    """K17"""
    sleepers = Sleepers()
    for name in range(50):
        sleepers.set(10 if name % 2 else 20, name, by_wall_clock=by_wall_clock)
    await until(21)
    assert sleepers.woken == [
        *((10, name) for name in range(1, 50, 2)),
        *((20, name) for name in range(0, 50, 2)),
    ]


@both_clocks
async def test_an_instant_that_has_passed_rings_in_the_next_step(*, by_wall_clock: bool) -> None:
    await until(100)
    sleepers = Sleepers()
    sleepers.set(5, "late", by_wall_clock=by_wall_clock)
    assert sleepers.woken == []
    await asyncio.sleep(0.001)
    assert sleepers.woken == [(100, "late")]


async def test_both_clocks_share_one_timer_of_the_loop() -> None:
    sleepers = Sleepers()
    for instant in (30, 20, 10):
        sleepers.set(instant, "loop")
        sleepers.set(instant, "wall", by_wall_clock=True)
        assert sleepers.timers == [instant]
    await until(31)
    assert [time for time, _ in sleepers.woken] == [10, 10, 20, 20, 30, 30]
    assert sleepers.timers == []


async def test_after_a_block_all_that_has_passed_rings_in_order() -> None:
    sleepers = Sleepers()
    for instant in (3, 1, 2, 9):
        sleepers.set(instant, instant)
    block(5)
    await asyncio.sleep(0.001)
    assert sleepers.woken == [(5, 1), (5, 2), (5, 3)]
    assert sleepers.timers == [9]
    await until(9)


# --- dropping ------------------------------------------------------------------------------------


@both_clocks
async def test_a_dropped_alarm_does_not_ring_and_the_last_takes_the_timer_with_it(
    *, by_wall_clock: bool
) -> None:
    sleepers = Sleepers()
    kept = sleepers.set(10, "kept", by_wall_clock=by_wall_clock)
    dropped = sleepers.set(5, "dropped", by_wall_clock=by_wall_clock)
    sleepers.drop(dropped, by_wall_clock=by_wall_clock)
    await until(11)
    assert sleepers.woken == [(10, "kept")]
    sleepers.drop(kept, by_wall_clock=by_wall_clock)
    assert sleepers.timers == []


@both_clocks
async def test_dropping_an_alarm_twice_or_after_it_rang_changes_nothing(
    *, by_wall_clock: bool
) -> None:
    sleepers = Sleepers()
    alarms = [sleepers.set(at, at, by_wall_clock=by_wall_clock) for at in (1, 2, 3)]
    sleepers.drop(alarms[1], by_wall_clock=by_wall_clock)
    sleepers.drop(alarms[1], by_wall_clock=by_wall_clock)
    await until(1.5)
    sleepers.drop(alarms[0], by_wall_clock=by_wall_clock)
    await until(4)
    assert [name for _, name in sleepers.woken] == [1, 3]


async def test_a_waiter_that_is_done_already_disturbs_nobody() -> None:
    sleepers = Sleepers()
    cancelled = sleepers.set(1, "cancelled")
    cancelled[2].cancel()
    sleepers.set(1, "other")
    await until(2)
    assert sleepers.woken == [(0, "cancelled"), (1, "other")]
