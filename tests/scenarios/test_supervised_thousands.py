"""What supervisors keep of children that have ended, and what thousands of them cost."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import weakref

import pytest

from fluid import ChildSpec, Supervisor
from tests.scenarios.cast import Breakable
from tests.scenarios.request_cast import dynamic
from tests.worker.group_cast import Idle

# --- what is forgotten ---------------------------------------------------------------------------


class Big:
    """An argument that is not to be kept."""


async def test_the_arguments_of_a_temporary_child_are_not_kept() -> None:
    """D18, D19: not even while it runs, and not after the first has ended either."""
    async with dynamic(lambda _big, name: Breakable(name=name), restart="temporary") as app:
        for number in range(3):
            big = Big()
            known = weakref.ref(big)
            child = await app.start_child(big, f"child{number}")
            del big
            assert known() is None
            child.gracefully_stop()
            await child.wait_for_shutdown()
            await asyncio.sleep(0)
            assert app.num_workers == 0


async def test_the_arguments_of_a_child_that_may_come_back_are_kept_until_it_will_not() -> None:
    """D18"""
    async with dynamic(lambda _big: Breakable(name="child"), restart="transient") as app:
        big = Big()
        known = weakref.ref(big)
        child = await app.start_child(big)
        del big
        await asyncio.sleep(0)  # it is in run() now
        child.break_()
        await asyncio.sleep(1)
        (again,) = app.workers()
        assert again is not child
        assert known() is not None
        await app.stop_child(again)
        del child, again
        gc.collect()  # the error of the first one has a traceback
        assert known() is None


async def test_nothing_is_kept_of_a_temporary_child_that_was_added_to_a_supervisor() -> None:
    """D18: specification, factory, and what that refers to."""
    async with Supervisor(name="app") as app:
        big = Big()
        known = weakref.ref(big)
        spec = ChildSpec(lambda big=big: Idle(name=str(type(big))), restart="temporary", id="one")
        child = await app.add_child(spec)
        del big, spec
        child.gracefully_stop()
        await child.wait_for_shutdown()
        await asyncio.sleep(0)
        del child
        assert known() is None
        assert app.children() == []


# --- thousands -----------------------------------------------------------------------------------


async def _calls_for_each(number: int, *, by_template: bool) -> float:
    """Returns how many calls one child of so many costs, from its start to its end."""
    profile = cProfile.Profile()
    app = dynamic(Idle, restart="temporary") if by_template else Supervisor(*[Idle] * number)
    profile.enable()
    try:
        await app.startup()
        if by_template:
            children = [await app.start_child(name="one name") for _ in range(number)]
            for child in children:
                await app.stop_child(child)
        await app.shutdown()
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats()) / number


@pytest.mark.lazy_only("for time")
@pytest.mark.virtual(livelock_after=10_000_000)
@pytest.mark.parametrize("by_template", [False, True], ids=["static", "template"])
async def test_hundreds_of_children_cost_as_many_calls_each_as_a_few(by_template) -> None:
    """D20, D21"""
    few, many = [await _calls_for_each(each, by_template=by_template) for each in (50, 500)]
    assert many < 1.2 * few
