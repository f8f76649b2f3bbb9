"""Asking a group for its status, whatever those who are asked do then."""

from __future__ import annotations

import asyncio
from math import inf

from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import LATE, Breakable, Watch, breakables, group_of, stop_at_last, tree_of
from tests.worker.fakes import now
from tests.worker.group_cast import end_of


class Odd(Breakable):
    """Answers in its own way when it is asked for its status."""

    def __init__(self, answer, **options) -> None:
        super().__init__(**options)
        self.answer = answer

    async def status(self):
        return await self.answer()


async def _fails() -> None:
    raise ValueError("no status")


@explored(faults="offered", swept=True, pairs=20)
async def test_a_status_that_fails_hangs_or_is_nonsense_harms_nobody(sim: Simulation):
    """H11: it is shown as that, in time, whatever befalls those who are asked."""
    odd = [
        Odd(_fails, name="fails"),
        Odd(lambda: asyncio.sleep(inf), name="hangs"),
        Odd(lambda: asyncio.sleep(0.1, 42), name="nonsense"),
    ]
    group = group_of(group_of(*odd, name="inner"), *breakables("a"))
    watch = Watch(group)
    sim.offer("break one", odd[1].break_)
    sim.offer("stop", group.gracefully_stop)
    await end_of(group.startup())
    began = now()
    asking = asyncio.ensure_future(group.status())
    sim.offer("cancel who asks", asking.cancel)
    states = [worker.worker_state for worker in tree_of(group)]
    await asyncio.wait([asking])
    assert now() - began <= 1 + LATE
    if not asking.cancelled():
        inner, plain = asking.result()["inner"], asking.result()["a"]
        assert inner["fails"] == {"error": {"type": "ValueError", "message": "no status"}}
        assert inner["hangs"]["error"]["type"] == "TimeoutError"
        assert inner["nonsense"] == 42
        assert plain["running"] or sim.schedule.strikes
    if not sim.schedule.strikes:
        assert [worker.worker_state for worker in tree_of(group)] == states
    await stop_at_last(group)
    watch.assert_it_ended_well()
