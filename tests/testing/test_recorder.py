"""The story of a tree, kept and asserted."""

from __future__ import annotations

import pytest

from fluid import Worker, Workers
from fluid.events import WorkerStopped
from fluid.testing import LifecycleEvents
from tests.worker.fakes import at_once, deaf_to, worker_with


class Napper(Worker):
    async def run(self) -> None:
        await self.sleep(60)


async def test_a_story_is_told_in_words_and_in_order():
    group = Workers(Napper(name="one"), Napper(name="two"), name="app")
    happened = LifecycleEvents(group)
    async with group:
        pass
    assert [line for line in happened.story if line.startswith("app/one")] == [
        "app/one started",
        "app/one ready",
        "app/one stopping",
        "app/one stopped",
    ]
    happened.assert_in_order("app/one ready", "app/two started", "app stopping", "app stopped")
    assert [event.path for event in happened.of_type(WorkerStopped)] == [
        "app/two",
        "app/one",
        "app",
    ]
    assert len(happened) == len([*happened]) == 12


async def test_words_are_those_of_the_event():
    worker = worker_with(run=deaf_to(1), name="deaf", stopping_grace_period=1)
    happened = LifecycleEvents(worker)
    await worker.startup()
    await worker.shutdown()
    happened.assert_in_order("deaf cancelled by force", "deaf force stopped")


async def test_what_did_not_happen_is_told_with_all_that_did():
    worker = Napper(name="one")
    happened = LifecycleEvents(worker)
    async with worker:
        pass
    with pytest.raises(
        AssertionError, match="'one failed' did not happen, or not after 'one ready'"
    ):
        happened.assert_in_order("one started", "one ready", "one failed")
    with pytest.raises(AssertionError, match=r"0\.010 s: one stopped"):
        happened.assert_in_order("two started")


async def test_the_order_counts():
    worker = Napper(name="one")
    happened = LifecycleEvents(worker)
    async with worker:
        pass
    with pytest.raises(AssertionError, match="'one started' did not happen, or not after 'one st"):
        happened.assert_in_order("one stopped", "one started")


async def test_nothing_at_all_is_said_to_be_nothing():
    with pytest.raises(AssertionError, match="'one started' did not happen; nothing did"):
        LifecycleEvents(Napper(name="one")).assert_in_order("one started")


async def test_what_must_never_happen_is_found_for_one_worker_and_for_all():
    worker = worker_with(run=at_once, name="one")
    happened = LifecycleEvents(worker)
    await worker.startup()
    await worker.wait_for_shutdown()
    happened.assert_never("one failed", "* failed", "two stopped")
    with pytest.raises(AssertionError, match="'one stopped' happened; all that did"):
        happened.assert_never("* stopped")


async def test_without_workers_it_listens_to_all_inside_its_block():
    with LifecycleEvents() as happened:
        async with Napper(name="in"):
            pass
    async with Napper(name="out"):
        pass
    happened.assert_in_order("in started", "in stopped")
    happened.assert_never("out started")


async def test_it_can_stop_listening_and_can_forget():
    worker = Napper(name="one")
    happened = LifecycleEvents(worker)
    await worker.startup()
    happened.clear()
    happened.close()
    await worker.shutdown()
    assert happened.story == []
