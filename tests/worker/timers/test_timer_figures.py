"""The figures of ``status()["timer"]``: the next fire, the counts, and how late fires were."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Missed, Overlap, Supervisor, cron, every
from tests.worker.fakes import now
from tests.worker.timers.firing_cast import (
    Ticker,
    block_at,
    clock,
    end_at,
    lasting,
    timer_of,
    until,
    virtual_loop,
)

# --- the next fire -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [-7200, -5, 5, 86_400 * 365])
async def test_the_next_fire_by_the_loops_clock_is_right_after_the_time_of_day_was_set(
    step: float,
) -> None:
    ticker = Ticker()
    async with ticker:
        await until(4)
        virtual_loop().wall.step(step)
        told = (await timer_of(ticker))["next_fire"]
        await until(10)
        await asyncio.sleep(0)
        assert told == virtual_loop().wall.now().isoformat()
        assert len(ticker.times) == 2


async def test_the_next_fire_by_the_time_of_day_stays_where_it_is_when_that_is_set() -> None:
    ticker = Ticker(schedule=cron("0 12 * * *"))
    async with ticker:
        await asyncio.sleep(1)
        virtual_loop().wall.step(3600)
        assert (await timer_of(ticker))["next_fire"] == clock("12:00:00")


async def test_the_next_fire_is_told_with_its_jitter_and_comes_then() -> None:
    ticker = Ticker(schedule=every(10, first="after", jitter=10), seed=3)
    async with ticker:
        await asyncio.sleep(0)
        told = (await timer_of(ticker))["next_fire"]
        await until(20)
    assert ticker.times[0] not in {10, 20}
    second, micros = divmod(round(ticker.times[0] * 1e6), 10**6)
    assert told == clock(f"00:00:{second:02}.{micros:06}")


@pytest.mark.parametrize("schedule", [every(1e12), every(1e300), every(1e12, first="aligned")])
async def test_a_fire_after_the_last_year_that_has_a_date_is_not_told(schedule) -> None:
    ticker = Ticker(schedule=schedule)
    async with ticker:
        await asyncio.sleep(1)
        assert (await timer_of(ticker))["next_fire"] is None


async def test_another_schedule_is_told_at_once() -> None:
    ticker = Ticker()
    async with ticker:
        await until(4)
        ticker.reschedule(cron("@hourly"))
        timer = await timer_of(ticker)
        assert timer["schedule"] == "at the start of every hour (0 * * * *, UTC)"
        assert timer["next_fire"] == clock("01:00:00")
        assert timer["fires"] == 1


async def test_another_schedule_before_the_start_is_the_one_that_counts() -> None:
    ticker = Ticker()
    ticker.reschedule(every(3))
    assert await timer_of(ticker) == {"schedule": "every 3 s"}
    await end_at(ticker, 7)
    assert ticker.times == [0, 3, 6]


async def test_a_schedule_given_while_it_runs_stays_for_the_next_incarnation() -> None:
    ticker = Ticker()
    async with Supervisor(ticker, name="app") as supervisor:
        await until(1)
        ticker.reschedule(every(3))
        await until(4)
        await supervisor.restart_child("ticker")
        await until(8)
    assert ticker.times == [0, 3, 4, 7]


# --- counts and lateness -------------------------------------------------------------------------


async def test_fires_that_overlap_and_fires_that_were_missed_are_counted_apart() -> None:
    async def act(number: int) -> None:
        if number == 1:
            await asyncio.sleep(25)  # over the fires at 10 and 20

    ticker = Ticker(act, missed=Missed.SKIP)
    block_at(31, 48)  # past those at 40, 50, 60 and 70
    async with ticker:
        await until(95)
        timer = await timer_of(ticker)
    assert ticker.times == [0, 30, 80, 90]
    assert (timer["fires"], timer["skipped"], timer["missed"]) == (4, 2, 4)


async def test_lateness_is_the_mean_and_the_worst_of_all_fires_in_seconds() -> None:
    """K21: the second fire of four is three seconds late."""
    ticker = Ticker()
    block_at(1, 12)
    async with ticker:
        await until(31)
        timer = await timer_of(ticker)
    assert ticker.times == [0, 13, 20, 30]
    assert timer["lateness"] == pytest.approx({"mean": 0.75, "worst": 3.0})


@pytest.mark.parametrize("schedule", [every(10), every(10, first="aligned"), every(10, jitter=9)])
async def test_who_is_on_time_is_not_late_at_all(schedule) -> None:
    ticker = Ticker(schedule=schedule)
    async with ticker:
        await until(1000)
        timer = await timer_of(ticker)
    assert timer["lateness"]["worst"] < 1e-5
    assert timer["lateness"]["mean"] >= 0


async def test_a_fire_that_was_queued_is_late_by_as_long_as_it_waited() -> None:
    ticker = Ticker(lasting(14), overlap=Overlap.QUEUE_ONE)
    async with ticker:
        await until(15)
        timer = await timer_of(ticker)
    assert timer["lateness"] == pytest.approx({"mean": 2.0, "worst": 4.0})


async def test_the_last_fire_is_when_it_began_and_not_when_it_was_due() -> None:
    ticker = Ticker()
    block_at(1, 12)
    async with ticker:
        await until(14)
        assert (await timer_of(ticker))["last_fire"] == clock("00:00:13")
        assert now() == 14
