"""Any fault, at any step of a small tree: what has to be true whatever befalls it."""

from __future__ import annotations

import asyncio

from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, breakables, faults_of, group_of, stop_at_last
from tests.worker.group_cast import end_of


@explored(faults="offered", swept=True, pairs=40)
async def test_any_fault_at_any_step_of_a_group_leaves_everything_in_order(sim: Simulation):
    group = group_of(*breakables("ab"), group_of(*breakables("c"), name="inner"))
    watch = Watch(group)
    faults_of(sim, group)
    start = asyncio.ensure_future(group.startup())
    sim.offer("cancel the starter", start.cancel)
    error = await end_of(start)
    sim.sometimes("the start failed", error is not None)
    await end_of(asyncio.wait_for(group.wait_for_shutdown(), 5))
    await stop_at_last(group)
    watch.assert_it_ended_well()
