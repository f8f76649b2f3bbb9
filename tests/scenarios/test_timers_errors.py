"""Calls that raise: the end of the worker, the next fire, or another attempt."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Backoff, Overlap, every
from fluid.events import FireFailed
from tests.scenarios.cast import Planned
from tests.scenarios.supervised_cast import Maker, supervisor_of
from tests.scenarios.timer_cast import Timed
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

each_overlap = pytest.mark.parametrize(
    "overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(3)], ids=repr
)


@each_overlap
async def test_the_error_of_a_call_ends_the_worker_or_the_next_fire_comes(overlap: Overlap) -> None:
    """K03: as was declared."""
    timed = Timed(every(1), fails=(2,), overlap=overlap)
    await timed.startup()
    error = await end_of(timed.wait_for_shutdown())
    assert isinstance(error, Planned)
    assert (now(), timed.worker_exit.exception) == (1, error)
    timed.assert_nothing_is_left()
    timed = Timed(every(1), fails=(2, 3), overlap=overlap, errors="continue")
    async with timed:
        await asyncio.sleep(4.5)
    assert [at - 1 for at in timed.began] == [0, 1, 2, 3, 4]
    assert timed.ended == 3
    assert len([event for event in timed.events if isinstance(event, FireFailed)]) == 2
    assert (await timed.status())["timer"]["failed"] == 2


@pytest.mark.parametrize(
    ("overlap", "began", "skipped"),
    [
        (Overlap.SKIP, [0, 0.5, 1.5, 2, 3, 4], 1),
        (Overlap.QUEUE_ONE, [0, 0.5, 1.5, 1.5, 2, 3, 4], 0),
        (Overlap.concurrent(2), [0, 0.5, 1, 1.5, 2, 3, 4], 0),
    ],
    ids=repr,
)
async def test_a_fire_that_failed_is_tried_again_after_its_waits(
    overlap: Overlap, began: list[float], skipped: int
) -> None:
    """K03: fires meanwhile overlap."""
    policy = Backoff(initial=0.5, factor=2, jitter=0)
    timed = Timed(every(1), fails=(1, 1), errors=policy, overlap=overlap)
    async with timed:
        await asyncio.sleep(4.5)
    assert timed.began == began
    assert timed.failures == [0.5, 1]
    assert await timed.counts() == (5 - skipped, skipped, 0)


@pytest.mark.parametrize("initial", [0.0, 0.25])
async def test_tries_go_on_until_one_succeeds_or_a_stop_is_asked_for(initial: float) -> None:
    """K03, K05: also where there is no wait between them."""
    timed = Timed(every(60), fails=(1,) * 10**6, errors=Backoff(initial, factor=1, jitter=0))
    await timed.startup()
    asyncio.get_running_loop().call_later(2, timed.gracefully_stop)
    if initial:
        await timed.wait_for_shutdown()
        assert now() == 2
    else:
        for _ in range(100):
            await asyncio.sleep(0)
        await timed.shutdown()
        await asyncio.sleep(2)
    assert len(timed.began) == (8 if initial else pytest.approx(100, abs=5))
    assert not timed.too_late
    timed.assert_nothing_is_left()


@each_overlap
async def test_a_supervisor_restarts_a_worker_whose_call_failed_and_it_counts_anew(
    overlap: Overlap,
) -> None:
    """K03"""
    child = Maker("child", Timed, schedule=every(1), fails=(3,), overlap=overlap)
    async with supervisor_of(child):
        await asyncio.sleep(7.5)
    first, second, third, last = child.made
    assert first.began == [0, 1, 2]
    assert second.began == [2, 3, 4]
    assert third.began == [4, 5, 6]
    assert last.began == [6, 7]
    assert [fire.number for fire in last.fires] == [1, 2]
    last.assert_nothing_is_left()
