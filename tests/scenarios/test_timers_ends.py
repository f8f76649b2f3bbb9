"""How a periodic worker ends: by a stop, or because its schedule is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from fluid import Missed, Overlap, Workers, WorkerState, cron, every
from fluid.events import HandlerAbandoned
from tests.scenarios.cast import Planned
from tests.scenarios.timer_cast import Timed, block, wall
from tests.worker.fakes import deaf, now
from tests.worker.group_cast import end_of

each_overlap = pytest.mark.parametrize(
    "overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(3)], ids=repr
)

# --- stops ---------------------------------------------------------------------------------------


@each_overlap
async def test_a_call_that_runs_gets_the_grace_and_no_other_one_begins(overlap: Overlap) -> None:
    """K04"""
    timed = Timed(every(1), takes=4, overlap=overlap, stopping_grace_period=10)
    await timed.startup()
    await asyncio.sleep(1.5)
    await timed.shutdown()
    assert now() == (5 if overlap.at_once > 1 else 4)
    assert timed.worker_exit.state is WorkerState.STOPPED
    assert timed.ended == len(timed.fires) == (2 if overlap.at_once > 1 else 1)
    timed.assert_nothing_is_left()


@each_overlap
async def test_a_call_for_which_the_grace_does_not_suffice_is_cancelled(overlap: Overlap) -> None:
    """K04"""
    timed = Timed(every(1), takes=40, overlap=overlap, stopping_grace_period=2)
    await timed.startup()
    await asyncio.sleep(1.5)
    await timed.shutdown()
    assert now() == 3.5
    assert timed.worker_exit.state is WorkerState.FORCE_STOPPED
    assert not timed.worker_exit.abandoned
    assert not timed.ended
    timed.assert_nothing_is_left()


@pytest.mark.parametrize("schedule", [every(3600, first="after"), cron("0 0 1 1 *")], ids=str)
async def test_a_stop_ends_the_wait_at_once(schedule) -> None:
    """K04"""
    timed = Timed(schedule)
    await timed.startup()
    await asyncio.sleep(1800)
    await timed.shutdown()
    assert now() == 1800
    timed.assert_nothing_is_left()


class Deaf(Timed):
    """Minds no cancel, but for the calls that fail at once."""

    async def work(self, fire) -> None:
        if fire.number in self.fails:
            raise Planned(fire.number)
        await deaf(self)


async def test_calls_that_mind_no_cancel_keep_no_stop_from_its_end() -> None:
    """K04"""
    timed = Deaf(every(1), overlap=Overlap.concurrent(3), stopping_grace_period=2)
    await timed.startup()
    await asyncio.sleep(2.5)
    await timed.shutdown()
    assert now() <= 2.5 + timed.worker_stop_bound
    assert timed.worker_exit.abandoned
    assert timed.worker_exit.state is WorkerState.FORCE_STOPPED
    await asyncio.sleep(4000)
    assert len(timed.fires) == timed.ended == 3
    timed.assert_nothing_is_left()


async def test_calls_that_mind_no_cancel_are_left_alone_when_another_one_fails() -> None:
    """K03, K04"""
    timed = Deaf(every(1), fails=(3,), overlap=Overlap.concurrent(3))
    await timed.startup()
    error = await end_of(timed.wait_for_shutdown())
    assert isinstance(error, Planned)
    assert now() == 2 + 2 * timed.cancel_period
    assert timed.worker_exit.abandoned
    assert sum(isinstance(event, HandlerAbandoned) for event in timed.events) == 2
    await asyncio.sleep(4000)
    assert (len(timed.fires), timed.ended) == (3, 2)
    timed.assert_nothing_is_left()


@each_overlap
@pytest.mark.parametrize("passes", range(6))
async def test_a_stop_at_the_instant_of_a_fire_comes_before_it_or_after_it(
    overlap: Overlap, passes: int
) -> None:
    """K05: so many passes of the loop after the timer."""
    timed = Timed(every(1), overlap=overlap)
    await timed.startup()
    await asyncio.sleep(1)
    for _ in range(passes):
        await asyncio.sleep(0)
    timed.gracefully_stop()
    begun = len(timed.fires)
    await timed.wait_for_shutdown()
    assert now() == 1
    assert len(timed.fires) == begun == (await timed.counts())[0]
    assert not timed.too_late
    timed.assert_nothing_is_left()


async def test_a_call_may_stop_its_own_worker() -> None:
    """K05: nothing that was due beside it begins."""

    class Leaving(Timed):
        async def work(self, fire) -> None:
            await self.shutdown()

    for overlap in (Overlap.SKIP, Overlap.concurrent(4)):
        timed = Leaving(every(1, first="after"), missed=Missed.all(4), overlap=overlap)
        await timed.startup()
        block(4.5)
        await timed.wait_for_shutdown()
        assert len(timed.fires) == 1
        assert (await timed.counts())[0] == 1
        timed.assert_nothing_is_left()


# --- the end of the schedule ---------------------------------------------------------------------


@each_overlap
@pytest.mark.parametrize(
    ("schedule", "began"),
    [
        (every(1, max_fires=1), [0]),
        (every(1, max_fires=3), [0, 1, 2]),
        (every(1, first="after", max_fires=2), [1, 2]),
        (every(1, until=datetime(2000, 1, 1, 0, 0, 3, tzinfo=UTC)), [0, 1, 2, 3]),
        (cron("* * * * *", until=datetime(2000, 1, 1, 0, 2, 59, tzinfo=UTC)), [60, 120]),
        (every(1, until=datetime(1999, 1, 1, tzinfo=UTC)), []),
    ],
    ids=repr,
)
async def test_when_its_schedule_is_over_the_worker_waits_for_its_calls_and_ends(
    schedule, began: list[float], overlap: Overlap
) -> None:
    """Its last call too is one that it waits for."""
    timed = Timed(schedule, takes=0.25, overlap=overlap)
    await timed.startup()
    await timed.wait_for_shutdown()
    assert timed.began == began
    assert now() == (began[-1] + 0.25 if began else 0)
    assert timed.ended == len(began)
    assert timed.worker_exit.state is WorkerState.STOPPED
    timed.assert_nothing_is_left()


@each_overlap
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
async def test_missed_fires_that_are_made_up_for_count_for_the_most_that_there_may_be(
    overlap: Overlap, most: int
) -> None:
    """K21: six of them are due at once."""
    timed = Timed(every(1, max_fires=most), missed=Missed.all(99), overlap=overlap)
    await timed.startup()
    block(5.5)
    await timed.wait_for_shutdown()
    assert len(timed.fires) == most
    assert (await timed.counts())[0] == most


async def test_the_end_of_a_schedule_in_a_group_with_a_clock_that_is_put_past_it() -> None:
    """K11: nothing is due after it, however late that is noticed."""
    until = datetime(2000, 1, 1, 1, tzinfo=UTC)
    timed = Timed(cron("*/10 * * * *", until=until), missed=Missed.all(9))
    async with Workers(timed):
        await asyncio.sleep(25 * 60)
        wall().step(timedelta(days=3653).total_seconds())
        await asyncio.sleep(61)
        assert timed.is_stopped()
    assert timed.dues == [f"00:{minute}:00" for minute in range(10, 60, 10)] + ["01:00:00"]
    assert await timed.counts() == (6, 0, 0)


async def test_a_grace_without_end_waits_for_the_call() -> None:
    """K04"""
    timed = Timed(every(1), takes=86_400, stopping_grace_period=inf)
    await timed.startup()
    await asyncio.sleep(0.5)
    await timed.shutdown()
    assert (now(), timed.ended) == (86_400, 1)
