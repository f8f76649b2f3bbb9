"""Fires that nobody could see to because the loop was blocked."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Missed, Overlap, every
from tests.scenarios.timer_cast import Timed, block
from tests.worker.fakes import now


@pytest.mark.parametrize(
    ("missed", "began", "lost"),
    [
        (Missed.ONCE, [0, 1, 5.25, 6], 3),
        (Missed.SKIP, [0, 1, 5.25, 6], 3),
        (Missed.all(2), [0, 1, 5.25, 5.25, 6], 2),
        (Missed.all(9), [0, 1, 5.25, 5.25, 5.25, 5.25, 6], 0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(9)])
async def test_fires_of_a_loop_that_was_blocked_are_missed(
    overlap: Overlap, missed: Missed, began: list[float], lost: int
) -> None:
    """K21: from 1.5 to 5.25, of which the last quarter of a second is tolerated."""
    async with Timed(every(1), missed=missed, overlap=overlap) as timed:
        await asyncio.sleep(1.5)
        block(3.75)
        await asyncio.sleep(1)
    assert timed.began == began
    assert await timed.counts() == (len(began), 0, lost)
    assert timed.losses == lost
    lateness = (await timed.status())["timer"]["lateness"]
    late = [at - (at // 1) for at in began] if missed.most < 2 else None
    assert lateness["worst"] == pytest.approx(0.25 if late else 5.25 - (2 + lost))


@pytest.mark.parametrize(
    ("missed", "fires"), [(Missed.skip(0.2), 3), (Missed.skip(0.25), 4), (Missed.SKIP, 4)]
)
async def test_skip_leaves_out_what_is_later_than_its_tolerance(missed: Missed, fires: int) -> None:
    """K21"""
    async with Timed(every(1), missed=missed) as timed:
        await asyncio.sleep(1.5)
        block(3.75)
        await asyncio.sleep(1)
    assert await timed.counts() == (fires, 0, 7 - fires)
    assert [fire.missed for fire in timed.fires][2] == (3 if fires == 4 else 0)


async def test_a_call_that_blocks_the_loop_overlaps_and_misses_nothing() -> None:
    """K21"""

    class Blocking(Timed):
        async def work(self, fire) -> None:
            block(2.5)

    async with Blocking(every(1)) as timed:
        await asyncio.sleep(7)
    assert timed.began == [0, 3, 6]
    fires, skipped, missed = await timed.counts()
    assert (fires, skipped, missed) == (3, 6, 0)


@pytest.mark.parametrize("times", [1, 5, 30])
async def test_what_waits_to_be_made_up_for_is_no_more_than_the_last_few(times: int) -> None:
    """K21, K02: while both calls that may run take their time, the loop is blocked again."""
    timed = Timed(
        every(1),
        takes=lambda number: 400 if number < 3 else 0.1,
        overlap=Overlap.concurrent(2),
        missed=Missed.all(3),
    )
    async with timed:
        await asyncio.sleep(1.5)
        for _ in range(times):
            block(4)
            await asyncio.sleep(1)
        await asyncio.sleep(390.5 - now())
        fires, skipped, missed = await timed.counts()
        assert (fires, missed, fires + skipped + missed) == (2, times, 391 - 3)
        await asyncio.sleep(15)
        assert timed.began[2:5] == pytest.approx([400, 400.1, 400.2])
        assert sum(await timed.counts()) == 406
