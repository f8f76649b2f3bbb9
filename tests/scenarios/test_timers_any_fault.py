"""Any fault, at any step of a periodic worker: what has to be true whatever befalls it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fluid import Backoff, Missed, Overlap, cron, every
from fluid.testing import Simulation
from tests.exploring import Fault, explored
from tests.scenarios.cast import Planned, Watch, faults_of, starting, stop_at_last
from tests.scenarios.stop_cast import struck
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    faults_of_supervised,
    supervisor_of,
)
from tests.scenarios.timer_cast import Timed, block
from tests.worker.group_cast import end_of

QUICKLY = Backoff(initial=0.3, factor=1, jitter=0)

KINDS: dict[str, dict[str, Any]] = {
    "waiting": {"schedule": every(1, first="after"), "takes": 0.01},
    "waiting for a time of day": {"schedule": cron("* * * * * *"), "takes": 0.01},
    "never waiting": {"schedule": every(1)},
    "busy": {"schedule": every(1), "takes": 1.5},
    "late": {"schedule": every(1), "takes": 1.5, "overlap": Overlap.QUEUE_ONE},
    "two at once": {"schedule": every(1), "takes": 1.5, "overlap": Overlap.concurrent(2)},
    "too few at once": {"schedule": every(0.5), "takes": 1.4, "overlap": Overlap.concurrent(2)},
    "trying again": {"schedule": every(1), "takes": 0.1, "fails": (1, 1, 2), "errors": QUICKLY},
    "trying again at once": {
        "schedule": every(1),
        "takes": 0.35,
        "fails": (1, 1, 2),
        "errors": QUICKLY,
        "overlap": Overlap.concurrent(2),
    },
    "ending": {"schedule": every(1, max_fires=3), "takes": 0.01},
    "ending at once": {
        "schedule": every(1, max_fires=3),
        "takes": 2.4,
        "overlap": Overlap.concurrent(3),
    },
}

BLOCKED: dict[str, dict[str, Any]] = {
    "one by one": {"takes": 0.1, "missed": Missed.all(3)},
    "two at once": {"takes": 0.2, "missed": Missed.all(4), "overlap": Overlap.concurrent(2)},
    "four at once": {"takes": 0.3, "missed": Missed.all(4), "overlap": Overlap.concurrent(4)},
    "a few left": {
        "takes": 0.2,
        "missed": Missed.all(9),
        "overlap": Overlap.concurrent(2),
        "schedule": every(1, max_fires=4),
    },
    "one for all": {"takes": 0.1},
    "none": {"takes": 0.1, "missed": Missed.SKIP},
}


def most_of(timed: Timed) -> int:
    """Returns how many calls may run at once."""
    return timed.overlap.at_once


async def judged(sim: Simulation, timed: Timed, seconds: float) -> None:
    """Has a worker live so long, with all faults on offer, and asserts what is always true."""
    watch = Watch(timed)
    faults_of(sim, timed)
    if timed.takes:
        sim.offer("break", Fault(timed.break_, lambda: not timed.running))
    await end_of(starting(sim, timed))
    await asyncio.sleep(seconds)
    await stop_at_last(timed)
    watch.assert_it_ended_well()
    timed.assert_in_order(most_of(timed))
    if timed.has_started():
        timed.assert_nothing_is_left()
        fires, *_ = await timed.counts()
        assert fires == len({fire.number for fire in timed.fires})


@pytest.mark.parametrize("kind", KINDS)
@explored(faults="offered", swept=True, seeds=6)
async def test_whatever_strikes_a_periodic_worker_its_calls_are_in_order_and_end_with_it(
    sim: Simulation, kind: str
) -> None:
    """K03, K04, K05"""
    timed = Timed(**KINDS[kind])
    await judged(sim, timed, 2.7)
    sim.sometimes("a call was cut short", timed.ended < len(timed.fires) or not timed.takes)
    sim.sometimes("all at once", timed.most == most_of(timed))


@pytest.mark.parametrize("kind", BLOCKED)
@explored(faults="offered", swept=True, seeds=6)
async def test_whatever_strikes_while_missed_fires_are_made_up_for_it_ends_at_once(
    sim: Simulation, kind: str
) -> None:
    """K11, K21"""
    timed = Timed(**{"schedule": every(1), **BLOCKED[kind]})
    asyncio.get_running_loop().call_later(0.5, block, 3.2)
    await judged(sim, timed, 4.6)
    sim.sometimes("several were to be made up for", len(timed.fires) > 2 or timed.missed.most < 2)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
@explored(faults="offered", swept=True, seeds=20)
async def test_a_schedule_may_come_to_its_end_in_the_step_of_a_stop(
    sim: Simulation, overlap: Overlap
) -> None:
    """K05: the last fire is at one second, and so is the stop."""
    timed = Timed(every(1, max_fires=2), overlap=overlap)
    watch = Watch(timed)
    faults_of(sim, timed)
    loop, passes = asyncio.get_running_loop(), sim.random().randrange(5)

    def stop(passes: int) -> None:
        if passes:
            loop.call_soon(stop, passes - 1)
        else:
            timed.gracefully_stop()

    timer = loop.call_later(1, stop, passes)
    await end_of(starting(sim, timed))
    await end_of(timed.wait_for_shutdown())
    timer.cancel()
    watch.assert_it_ended_well()
    timed.assert_in_order(most_of(timed))
    if not struck(sim):
        assert timed.worker_exit.code == 0
        sim.sometimes("the fire was first", len(timed.fires) == 2)
        sim.sometimes("the stop was first", len(timed.fires) == 1)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(2)])
@explored(faults="offered", swept=True, seeds=6)
async def test_the_schedule_may_change_at_any_step(sim: Simulation, overlap: Overlap) -> None:
    """K08: no fire comes twice, and the new rate begins with the last one."""
    timed = Timed(every(1), takes=0.3, overlap=overlap)
    watch = Watch(timed)
    changes: list[int] = []

    def change() -> None:
        if not changes:
            changes.append(len(timed.fires))
            timed.reschedule(every(0.7))

    sim.offer("change", change)
    sim.offer("stop", timed.gracefully_stop)
    await end_of(starting(sim, timed))
    await asyncio.sleep(3.3)
    change()
    await asyncio.sleep(1.5)
    await stop_at_last(timed)
    watch.assert_it_ended_well()
    timed.assert_in_order(most_of(timed))
    gaps = [b - a for a, b in zip(timed.began, timed.began[1:], strict=False)]
    assert all(0.6 < gap < 1.8 for gap in gaps), timed.began
    sim.sometimes("in the middle", bool(changes[0]) and len(timed.fires) > changes[0] + 2)


@pytest.mark.parametrize("kind", ["busy", "late", "two at once", "trying again"])
@explored(seeds=10)
async def test_fires_that_began_were_skipped_or_were_missed_are_all_that_there_were(
    sim: Simulation, kind: str
) -> None:
    """K02, K21"""
    timed = Timed(**KINDS[kind])
    async with timed:
        asyncio.get_running_loop().call_later(5.2, block, 4.4)
        await asyncio.sleep(14.8)
        timed.reschedule(cron("0 0 1 1 *"))  # no more of them
        await asyncio.sleep(5)
        fires, skipped, missed = await timed.counts()
        sim.sometimes("some were missed or skipped", bool(missed or skipped))
        pending = kind == "busy" and timed.running
        assert fires + skipped + missed == 15 - pending, (fires, skipped, missed)
        assert len({fire.number for fire in timed.fires}) == fires


@explored(faults="offered", swept=True, seeds=8)
async def test_a_restart_begins_anew_whatever_strikes(sim: Simulation) -> None:
    """K03: a failed call ends the worker, and the next one counts from its own start."""

    class Breaking(Timed):
        def is_unbreakable(self) -> bool:
            return not self.running

    child = Maker("child", Breaking, schedule=every(1), takes=0.4, overlap=Overlap.concurrent(2))
    app = supervisor_of(child)
    lives = Lives(app)
    faults_of_supervised(sim, app, child)
    await end_of(starting(sim, app))
    await asyncio.sleep(0.2)
    child.now.break_()
    await asyncio.sleep(1.1)
    await end_of(app.shutdown())
    lives.assert_all_is_well()
    for timed in child.made:
        timed.assert_in_order(most_of(timed))
        if timed.has_started():
            timed.assert_nothing_is_left()
            dues = [fire.due.timestamp() for fire in timed.fires]
            began = timed.worker_exit.started_at.timestamp()
            assert [due - began < 0.03 + n for n, due in enumerate(dues)] == [True] * len(dues)
    sim.sometimes("restarted", len(child.made) > 1)


async def test_a_call_that_somebody_else_cancels_ends_the_worker_as_any_cancel_does() -> None:
    """K03"""
    tasks: list[asyncio.Task[Any]] = []

    class Watched(Timed):
        async def work(self, fire: Any) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            await super().work(fire)

    timed = Watched(every(1), takes=9, overlap=Overlap.concurrent(5))
    await timed.startup()
    await asyncio.sleep(2.5)
    tasks[1].cancel()
    error = await end_of(timed.wait_for_shutdown())
    assert isinstance(error, asyncio.CancelledError)
    timed.assert_nothing_is_left()
    assert not isinstance(error, Planned)
