"""What ``status()["timer"]`` says in each phase of a life: always data that JSON can hold."""

from __future__ import annotations

import asyncio
import json

import pytest

from fluid import Backoff, Overlap, Supervisor, Workers, every
from tests.worker.fakes import deaf, now
from tests.worker.group_cast import end_of
from tests.worker.timers.firing_cast import (
    Ticker,
    clock,
    end_at,
    failing,
    lasting,
    timer_of,
    until,
)

NOTHING_YET = {
    "last_fire": None,
    "running": 0,
    "fires": 0,
    "missed": 0,
    "skipped": 0,
    "failed": 0,
    "last_error": None,
    "lateness": {"mean": 0.0, "worst": 0.0},
}


async def test_before_the_start_there_is_the_schedule_alone() -> None:
    assert await timer_of(Ticker()) == {"schedule": "every 10 s"}


async def test_a_timer_that_waits_says_for_what() -> None:
    ticker = Ticker(schedule=every(90, first="after"))
    async with ticker:
        await asyncio.sleep(1)
        assert await timer_of(ticker) == {
            **NOTHING_YET,
            "schedule": str(ticker.schedule),
            "next_fire": clock("00:01:30"),
        }


async def test_a_call_that_runs_is_counted_and_the_next_one_is_known() -> None:
    ticker = Ticker(lasting(5))
    async with ticker:
        await asyncio.sleep(12)
        timer = await timer_of(ticker)
    assert (timer["fires"], timer["last_fire"]) == (2, clock("00:00:10"))
    assert timer["next_fire"] == clock("00:00:20")


@pytest.mark.parametrize(
    ("overlap", "running"), [(Overlap.SKIP, 1), (Overlap.concurrent(3), 3)], ids=repr
)
async def test_calls_that_run_now_are_counted(overlap: Overlap, running: int) -> None:
    ticker = Ticker(lasting(35), overlap=overlap)
    async with ticker:
        await asyncio.sleep(32)
        assert (await timer_of(ticker))["running"] == running
    assert (await timer_of(ticker))["running"] == 0


async def test_a_schedule_that_was_given_between_two_lives_is_the_one_that_is_told() -> None:
    ticker = Ticker()
    await end_at(ticker, 12)
    ticker.reschedule(every(7))
    assert (await timer_of(ticker))["schedule"] == "every 7 s"


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
async def test_nothing_comes_any_more_once_a_stop_was_asked_for(overlap: Overlap) -> None:
    ticker = Ticker(lasting(5), overlap=overlap)
    async with ticker:
        await asyncio.sleep(12)
        ticker.gracefully_stop()
        assert (await timer_of(ticker))["next_fire"] is None
        await asyncio.sleep(1)
        timer = await timer_of(ticker)
        assert (timer["next_fire"], timer["fires"]) == (None, 2)


@pytest.mark.parametrize(
    "how", ["stopped", "over", "failed", "forced"], ids=lambda how: f"it is {how}"
)
async def test_after_the_end_all_that_was_counted_stays(how: str) -> None:
    act = {"failed": failing(OSError("no route"), 2), "forced": deaf}.get(how)
    ticker = Ticker(
        act,  # type: ignore[arg-type]
        schedule=every(10, max_fires=2 if how == "over" else None),
        stopping_grace_period=0,
    )
    await ticker.startup()
    await until(15)
    ticker.gracefully_stop()
    await asyncio.sleep(4000)
    timer = await timer_of(ticker)
    assert timer["next_fire"] is None
    assert timer["fires"] == (1 if how == "forced" else 2)
    assert timer["last_fire"] == clock("00:00:00" if how == "forced" else "00:00:10")
    assert timer["failed"] == (how == "failed")
    assert isinstance(await end_of(ticker.wait_for_shutdown()), OSError) == (how == "failed")


async def test_a_schedule_that_is_over_has_no_next_fire_while_the_last_call_runs() -> None:
    ticker = Ticker(lasting(5), schedule=every(10, max_fires=1))
    async with ticker:
        await asyncio.sleep(2)
        assert ticker.is_running()
        assert (await timer_of(ticker))["next_fire"] is None


async def test_a_supervisor_begins_the_counts_anew() -> None:
    ticker = Ticker(failing(OSError("no route"), 3))
    async with Supervisor(ticker, name="app", backoff=Backoff(3, factor=1, jitter=0)) as supervisor:
        await until(21)
        assert (await supervisor.status())["ticker"]["timer"]["fires"] == 3
        await until(24)
        timer = (await supervisor.status())["ticker"]["timer"]
        assert (timer["fires"], timer["failed"], timer["last_error"]) == (1, 0, None)
        assert timer["next_fire"] == clock("00:00:33")


async def test_between_two_incarnations_there_is_still_what_the_last_one_did() -> None:
    ticker = Ticker(failing(OSError("no route"), 3))
    async with Supervisor(ticker, name="app", backoff=Backoff(3, factor=1, jitter=0)):
        await until(21)
        timer = await timer_of(ticker)
        assert (timer["fires"], timer["failed"], timer["next_fire"]) == (3, 1, None)


async def test_a_group_has_it_among_the_rest() -> None:
    async with Workers(Ticker(name="a"), Ticker(name="b"), name="group") as group:
        await asyncio.sleep(1)
        status = json.loads(json.dumps(await group.status()))
    assert [status[name]["timer"]["fires"] for name in ("a", "b")] == [1, 1]


async def test_nothing_comes_any_more_while_a_worker_that_has_failed_cleans_up() -> None:
    class Slow(Ticker):
        async def on_shutdown(self) -> None:
            await asyncio.sleep(3)

    ticker = Slow(failing(OSError(), 2))
    await ticker.startup()
    await until(11)
    assert (await timer_of(ticker))["next_fire"] is None
    assert isinstance(await end_of(ticker.wait_for_shutdown()), OSError)
    assert now() == 13
