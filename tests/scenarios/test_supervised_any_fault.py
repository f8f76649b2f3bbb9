"""Any fault at any step, in any strategy: what must hold of a tree of supervisors holds."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildSpec
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import stop_at_last
from tests.scenarios.supervised_cast import Lives, faults_of_supervised, makers, supervisor_of
from tests.worker.group_cast import end_of


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
@explored(faults="offered", swept=True, pairs=20)
async def test_whatever_strikes_children_no_place_has_two_lives_and_all_of_them_end(
    sim: Simulation, strategy: str
) -> None:
    """P06, P08, P11, P22, P24, P25, O01"""
    a, b, c = makers("abc")
    app = supervisor_of(a, ChildSpec(b, restart="transient"), c, strategy=strategy)
    lives = Lives(app)
    faults_of_supervised(sim, app, a, b, c)
    await end_of(app.startup())
    await asyncio.sleep(1)
    await stop_at_last(app)
    lives.assert_all_is_well()
    sim.sometimes("restarted", sum(lives.starts.values()) > 4)
