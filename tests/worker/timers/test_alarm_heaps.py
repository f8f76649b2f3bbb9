"""How many alarms and timers there may be: as many as somebody waits for, and as many dead."""

from __future__ import annotations

from math import inf
from random import Random

from fluid.testing import VirtualLoop
from fluid.testing.wall_clock import START
from fluid.worker.timers.alarms import Alarm, Heap
from tests.worker.timers.alarm_cast import Sleepers, both_clocks


def test_a_heap_is_a_sorted_list_whatever_is_dropped() -> None:
    """K18: ten thousand random steps against the simplest thing that could be right."""
    random, heap, model = Random(1), Heap(), list[Alarm]()
    loop = VirtualLoop()
    for number in range(10_000):
        match random.choice(["push", "push", "drop", "drop", "ring"]):
            case "push":
                alarm: Alarm = [random.randrange(1000), number, loop.create_future()]
                model.append(alarm)
                heap.push(alarm)
            case "drop" if model:
                heap.drop(model.pop(random.randrange(len(model))))
                assert len(heap._alarms) <= 2 * len(model)
            case "ring" if random.random() < 0.1:
                until = random.randrange(500)
                waiters = [alarm[2] for alarm in model]
                heap.ring(until)
                assert [waiter.done() for waiter in waiters] == [a[0] <= until for a in model]
                model = [alarm for alarm in model if alarm[0] > until]
        assert bool(heap) == bool(model)
        assert heap.first() == min((alarm[0] for alarm in model), default=inf)
        assert heap._dropped == sum(alarm[2] is None for alarm in heap._alarms)
    loop.close()


@both_clocks
async def test_setting_and_dropping_again_and_again_leaves_one_timer_and_bounded_heaps(
    *, by_wall_clock: bool
) -> None:
    """K19: asyncio forgets a timer that was cancelled when half of them are."""
    sleepers = Sleepers()
    stays = sleepers.set(1e5, "stays", by_wall_clock=by_wall_clock)
    heap = sleepers.heap(by_wall_clock=by_wall_clock)
    waiter = sleepers.loop.create_future()
    for number in range(50_000):
        at = (START if by_wall_clock else 0) + 5 + number % 7
        alarm = sleepers.alarms.set(at, waiter, by_wall_clock=by_wall_clock)
        sleepers.drop(alarm, by_wall_clock=by_wall_clock)
        assert len(heap._alarms) <= 3
    assert len(sleepers.timers) == 1
    assert len(sleepers.loop._timers) < 200
    sleepers.drop(stays, by_wall_clock=by_wall_clock)
    assert sleepers.timers == []


@both_clocks
async def test_many_alarms_that_are_dropped_in_any_order_leave_nothing(
    *, by_wall_clock: bool
) -> None:
    """K18"""
    sleepers = Sleepers()
    waiter, random = sleepers.loop.create_future(), Random(2)
    begin = START if by_wall_clock else 0
    alarms = [
        sleepers.alarms.set(begin + random.uniform(1, 1e5), waiter, by_wall_clock=by_wall_clock)
        for _ in range(20_000)
    ]
    assert len(sleepers.timers) == 1
    random.shuffle(alarms)
    heap = sleepers.heap(by_wall_clock=by_wall_clock)
    for left, alarm in zip(range(len(alarms) - 1, -1, -1), alarms, strict=True):
        sleepers.drop(alarm, by_wall_clock=by_wall_clock)
        assert len(heap._alarms) <= 2 * left
    assert sleepers.timers == []
