"""What a function is told about its fire: the number, when it was due, and what came to nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta

import pytest

from fluid import Fire, Missed, Overlap, Supervisor, every
from fluid.rules.schedules.cron import cron
from tests.worker.fakes import now
from tests.worker.timers.firing_cast import (
    Ticker,
    at,
    block_at,
    end_at,
    lasting,
    until,
    virtual_loop,
)


def shown(ticker: Ticker) -> list[tuple[int, float, int]]:
    """Returns number, due (in seconds of the first day) and missed of each fire."""
    return [(fire.number, (fire.due - at()).total_seconds(), fire.missed) for fire in ticker.fires]


async def test_fires_are_numbered_from_one_on_and_due_in_utc() -> None:
    ticker = Ticker()
    await end_at(ticker, 25)
    assert ticker.fires == [
        Fire(1, at(), 0),
        Fire(2, at(second=10), 0),
        Fire(3, at(second=20), 0),
    ]
    assert all(fire.due.tzinfo is UTC for fire in ticker.fires)


async def test_due_is_in_the_zone_of_the_schedule_whose_day_may_be_another_one() -> None:
    ticker = Ticker(schedule=cron("30 0 * * *", tz="Europe/Berlin"))
    await end_at(ticker, 86_400)
    assert [fire.due.isoformat() for fire in ticker.fires] == ["2000-01-02T00:30:00+01:00"]


async def test_due_is_in_the_zone_of_the_machine_for_a_local_schedule() -> None:
    asyncio.get_running_loop().wall.set_zone("Asia/Tokyo")
    ticker = Ticker(schedule=cron("0 10 * * *", tz="local"))
    await end_at(ticker, 2 * 3600)
    assert [fire.due.isoformat() for fire in ticker.fires] == ["2000-01-01T10:00:00+09:00"]


@pytest.mark.parametrize("schedule", [every(10, jitter=5), cron("*/10 * * * * *", jitter=5)])
async def test_due_is_without_jitter(schedule) -> None:
    ticker = Ticker(schedule=schedule, seed=1)
    await end_at(ticker, 100)
    assert all(fire.due.second % 10 == 0 for fire in ticker.fires)
    assert [time for time in ticker.times if time % 10 == 0] == []


async def test_a_late_fire_still_says_when_it_was_due() -> None:
    ticker = Ticker()
    block_at(1, 12)
    await end_at(ticker, 25)
    assert ticker.times == [0, 13, 20]
    assert shown(ticker) == [(1, 0, 0), (2, 10, 0), (3, 20, 0)]


async def test_a_queued_fire_says_when_it_was_due() -> None:
    ticker = Ticker(lasting(13), overlap=Overlap.QUEUE_ONE)
    await end_at(ticker, 35)
    assert ticker.times == [0, 13, 26]
    assert shown(ticker) == [(1, 0, 0), (2, 10, 0), (3, 20, 0)]


async def blocked_from_one_to(end: float, missed: Missed) -> Ticker:
    ticker = Ticker(missed=missed)
    block_at(1, end - 1)
    await end_at(ticker, 62)
    return ticker


async def test_one_fire_for_all_that_were_missed_says_how_many_there_were_beside_it() -> None:
    ticker = await blocked_from_one_to(45, Missed.ONCE)
    assert shown(ticker) == [(1, 0, 0), (2, 40, 3), (3, 50, 0), (4, 60, 0)]


async def test_of_fires_that_are_all_made_up_for_only_the_first_says_what_is_lost() -> None:
    ticker = await blocked_from_one_to(45, Missed.all(2))
    assert ticker.times == [0, 45, 45, 50, 60]
    assert shown(ticker) == [(1, 0, 0), (2, 30, 2), (3, 40, 0), (4, 50, 0), (5, 60, 0)]


async def test_a_fire_that_is_left_out_with_others_is_counted_in_the_status_only() -> None:
    ticker = await blocked_from_one_to(48, Missed.SKIP)
    assert shown(ticker) == [(1, 0, 0), (2, 50, 0), (3, 60, 0)]
    assert (await ticker.timer())["missed"] == 4


async def test_numbers_begin_again_with_each_incarnation_and_go_on_after_a_reschedule() -> None:
    ticker = Ticker()
    async with Supervisor(ticker, name="app") as supervisor:
        await until(15)
        await supervisor.restart_child("ticker")
        await until(26)
        ticker.reschedule(every(3))
        await until(29)
    assert ticker.times == [0, 10, 15, 25, 28]
    assert [fire.number for fire in ticker.fires] == [1, 2, 1, 2, 3]


async def test_concurrent_fires_are_numbered_in_order_too() -> None:
    ticker = Ticker(lasting(25), overlap=Overlap.concurrent(3))
    await end_at(ticker, 35)
    assert shown(ticker) == [(1, 0, 0), (2, 10, 0), (3, 20, 0), (4, 30, 0)]


async def test_due_by_the_loops_clock_is_told_as_the_time_of_day_shows_it_now() -> None:
    """The schedule does not notice that the clock was set; who reads the time does."""
    ticker = Ticker()
    async with ticker:
        await until(5)
        virtual_loop().wall.step(3600)
        await until(10)
        await asyncio.sleep(0)
    assert ticker.times == [0, 10]
    assert ticker.fires[1].due == at(1, second=10)


async def test_a_fire_is_a_frozen_record() -> None:
    fire = Fire(1, at(), 0)
    assert fire == Fire(number=1, due=at(), missed=0)
    assert fire.due + timedelta(seconds=now()) == at()
    with pytest.raises(AttributeError, match="frozen"):
        fire.number = 2  # type: ignore[misc]
