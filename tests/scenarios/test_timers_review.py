"""What the parts of a timer have to agree on: clocks, schedules and calls that change together."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from fluid import Missed, Overlap, Workers, cron, every
from tests.scenarios.timer_calendar import HOUR, MINUTE
from tests.scenarios.timer_cast import Timed, block, wall
from tests.worker.fakes import now

EACH_SECOND = every(1)
ALIGNED = every(1, first="aligned")

at_once = pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)


def longest_silence(timed: Timed) -> float:
    """Returns the seconds for which no call began, from the first one until now."""
    return max(later - earlier for earlier, later in pairwise([*timed.began, now()]))


@at_once
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (EACH_SECOND, every(30, first="aligned")),
        (EACH_SECOND, every(30)),
        (ALIGNED, every(30)),
        (ALIGNED, cron("*/30 * * * * *")),
    ],
    ids=repr,
)
async def test_what_waits_to_be_made_up_for_keeps_its_instants_when_the_schedule_changes(
    old, new, overlap: Overlap
) -> None:
    """K08, K11: also where the new one goes by the other clock."""

    class Restless(Timed):
        async def work(self, fire) -> None:
            await asyncio.sleep(0.01)
            if fire.number == 4:
                self.reschedule(new)

    async with Restless(old, missed=Missed.all(5), overlap=overlap) as timed:
        await asyncio.sleep(2.5)
        wall().step(5 if old is ALIGNED else 0)
        block(0 if old is ALIGNED else 5)
        await asyncio.sleep(2)
        lateness = (await timed.status())["timer"]["lateness"]
    first, missed, last = (1, 1, 8) if old is ALIGNED else (0, 0, 7)
    dues = [f"00:00:{second:02}" for second in range(first, last + 1)]
    assert timed.dues == dues[:2] + dues[2 + missed :]
    assert 0 <= lateness["mean"] <= lateness["worst"] <= 5


@pytest.mark.parametrize(
    "overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(3)], ids=repr
)
async def test_another_schedule_follows_one_that_is_over_while_a_call_still_runs(
    overlap: Overlap,
) -> None:
    """K08: the worker has not ended, and what its status says is next does come."""
    async with Timed(every(1, max_fires=2), takes=5, overlap=overlap) as timed:
        await asyncio.sleep(3)
        timed.reschedule(every(20))
        await asyncio.sleep(12)
        announced = (await timed.status())["timer"]["next_fire"]
        await asyncio.sleep(10)
    assert timed.is_stopped()
    assert announced.endswith(timed.dues[-1] + "+00:00")


async def test_a_worker_with_calls_at_once_ends_with_the_last_of_them() -> None:
    """K08: whose schedule is over, and stays so."""
    timed = Timed(every(1, max_fires=2), takes=5, overlap=Overlap.concurrent(3))
    await timed.startup()
    await timed.wait_for_shutdown()
    assert now() == 6
    assert await timed.counts() == (2, 0, 0)
    timed.assert_nothing_is_left()


@pytest.mark.parametrize("others", [0, 1])
async def test_a_clock_that_is_set_forward_during_a_call_and_back_again_silences_nobody(
    others: int,
) -> None:
    """K10: both between two looks, of which somebody else who waits for a time of day has his."""
    timed = Timed(cron("* * * * *"), takes=lambda number: 45 if number == 2 else 0)
    idle = [Timed(cron("0 0 1 1 *"), name="idle") for _ in range(others)]
    wall().step(HOUR - 20)
    async with Workers(timed, *idle):
        wall().step(HOUR, at=100)
        wall().step(-HOUR, at=128)
        await asyncio.sleep(10 * MINUTE)
    assert longest_silence(timed) <= 60 + MINUTE


@pytest.mark.parametrize("schedule", [every(600, first="aligned"), cron("*/10 * * * *")], ids=repr)
@pytest.mark.parametrize("at", range(30, 61, 10))
async def test_a_clock_that_has_caught_up_when_it_is_looked_at_was_set_back_all_the_same(
    schedule, at: int
) -> None:
    """K10: ten minutes back, not a minute after the same time would have come again."""
    async with Timed(schedule) as timed:
        wall().step(-600, at=1200 - at)
        await asyncio.sleep(3600)
    assert longest_silence(timed) <= 600 + MINUTE


async def test_a_change_of_the_schedule_right_after_the_clock_was_set_back_loses_no_fire() -> None:
    """K08, K10: what came due between the two is late, and comes."""
    schedule = cron("* * * * *")
    async with Timed(schedule) as timed:
        await asyncio.sleep(90)
        wall().step(-HOUR)  # from 00:01:30
        await asyncio.sleep(29)
        wall().step(2)
        timed.reschedule(schedule)
        await asyncio.sleep(200)
    assert timed.dues[1] == "23:02:00"
