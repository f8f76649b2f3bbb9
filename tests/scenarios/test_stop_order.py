"""The order in which children stop, and who comes too late to be started."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from fluid import GroupClosed, Worker, Workers
from fluid.events import WorkerEnded, WorkerEvent, WorkerStopping
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import cancel_task_of, faults_of_each, group_of
from tests.scenarios.stop_cast import greedy, had_enough, late, lived, was_struck
from tests.worker.fakes import Recorded, worker_with
from tests.worker.group_cast import children, steps


class Turns:
    """Listens to a tree, and knows when each worker was asked to stop, and when it ended."""

    def __init__(self, root: Worker) -> None:
        self._number = 0
        self.asked: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        root.subscribe(self._hear)

    def _hear(self, event: WorkerEvent) -> None:
        self._number += 1
        if isinstance(event, WorkerStopping):
            self.asked[event.path] = self._number
        elif isinstance(event, WorkerEnded):
            self.ended[event.path] = self._number

    def assert_in_reverse(self, *workers: Worker) -> None:
        """Asserts that of these workers each was asked when the next one had ended."""
        paths = [worker.worker_path for worker in workers if worker.has_started()]
        for before, after in pairwise(paths):
            assert self.ended[after] < self.asked[before], (before, after)


@explored(faults="offered", swept=True, pairs=20)
async def test_five_children_stop_one_after_the_other_the_last_to_start_first(
    sim: Simulation,
) -> None:
    """G08"""
    members = children("abcde", shutdown=steps(2))
    group = group_of(*members, stop_in_reverse=True)
    turns = Turns(group)
    faults_of_each(sim, group)
    sim.offer("stop group/c", members[2].gracefully_stop)
    assert await lived(sim, group) <= late(sim)
    turns.assert_in_reverse(*(each for each in members if not was_struck(sim, each)))


@pytest.mark.parametrize("in_reverse", [False, True], ids=["together", "in order"])
@explored(faults="offered", swept=True, pairs=30)
async def test_who_is_added_during_a_stop_is_refused_or_stopped_too(
    sim: Simulation, in_reverse: bool
) -> None:
    """G21"""
    late_comers: list[Recorded] = []

    def add(to: Workers) -> None:
        newcomer = worker_with(name=f"late {len(late_comers)}", shutdown=steps(1))
        late_comers.append(newcomer)
        is_over = to.is_stopping() or to.is_stopped()
        try:
            to.add_workers(newcomer)
        except GroupClosed:
            assert newcomer.worker_parent is None
        else:
            assert newcomer.worker_parent is to
            assert not is_over

    async def add_one_at_the_end(worker: Worker) -> None:
        await steps(1)(worker)
        add(inner)

    inner = group_of(worker_with(name="a", shutdown=add_one_at_the_end), name="inner")
    group = group_of(inner, *children("b", shutdown=steps(2)), stop_in_reverse=in_reverse)
    sim.offer("stop group", group.gracefully_stop)
    for each in (group, inner):
        sim.offer(f"add to {each.worker_name}", partial(add, each))
    await lived(sim, group)
    for newcomer in late_comers:
        assert newcomer.is_stopped() or not newcomer.has_started()
        sim.sometimes("refused", newcomer.worker_parent is None)
        sim.sometimes("started", newcomer.has_started())


@explored(faults="offered", swept=True, pairs=20)
async def test_an_inner_group_that_is_forced_keeps_its_order_and_its_share_of_the_time(
    sim: Simulation,
) -> None:
    """F09"""
    a, b, c = greedy("abc", grace=98)
    inner = group_of(a, b, name="inner", stop_in_reverse=True)
    group = group_of(inner, c, stopping_grace_period=8, stop_in_reverse=True)
    turns = Turns(group)
    for each in (group, inner):
        sim.offer(f"force {each.worker_path}", each._worker.force)
    sim.offer("cancel group", partial(cancel_task_of, group))
    took = await lived(sim, group)
    assert took <= 8 + late(sim)
    turns.assert_in_reverse(a, b)
    if not was_struck(sim, inner):
        turns.assert_in_reverse(inner, c)
    if not sim.schedule.strikes:
        assert took >= 8
    sim.sometimes("force took its time away", took < 8 and b.has_started())
    await had_enough()
