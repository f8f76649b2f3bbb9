"""In the middle of a crash loop, however large the tree: requests are answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from math import inf

import pytest

from fluid import Supervisor, Worker
from tests.scenarios.cast import Breakable
from tests.scenarios.supervised_cast import supervisor_of
from tests.worker.fakes import Recorded, worker_with


class NeverReady(Worker):
    """Starts once; from then on its start always fails."""

    starts = 0

    async def on_startup(self) -> None:
        self.starts += 1
        if self.starts > 1:
            await asyncio.sleep(0)
            raise ConnectionError("no route")

    async def run(self) -> None:
        raise ConnectionError("no route")


class Ticks:
    """Counts the steps of the loop."""

    def __init__(self) -> None:
        self.passed = 0

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.passed += 1

    async def during(self, request: Awaitable[object]) -> int:
        """Returns how many steps it takes until a request is answered."""
        before = self.passed
        await request
        took = self.passed - before
        for _ in range(3):  # whoever was started takes its first step
            await asyncio.sleep(0)
        return took


class Starting(Recorded):
    """Notes in which step its start begins, which takes some steps."""

    def __init__(self, ticks: Ticks) -> None:
        super().__init__(name="new")
        self.ticks, self.began = ticks, -1

    async def on_startup(self) -> None:
        self.began = self.ticks.passed
        for _ in range(5):
            await asyncio.sleep(0)

    async def run(self) -> None:
        await self.sleep(inf)


@asynccontextmanager
async def tree_of(children: int, *, looping: bool) -> AsyncIterator[tuple[Supervisor, Ticks]]:
    """Lends a tree of so many children, and one in the middle that is in a crash loop."""
    ticks = Ticks()
    crashing = [NeverReady(name="crashing")] if looping else []
    leaves = [worker_with(name=f"w{number}") for number in range(children)]
    half = children // 2
    inner = supervisor_of(*leaves[:half], *crashing, name="inner")
    app = supervisor_of(inner, *leaves[half:])
    await app.startup()
    counter = asyncio.ensure_future(ticks.count())
    for _ in range(20):
        await asyncio.sleep(0)
    if looping:
        before = crashing[0].starts
        for _ in range(20):
            await asyncio.sleep(0)
        assert crashing[0].starts > before + 2  # it is going on while we ask
    try:
        yield inner, ticks
    finally:
        await app.shutdown()
        counter.cancel()


SIZES = [(10, False), (10, True), (1000, True)]


async def steps_of_requests(children: int, looping: bool) -> dict[str, int]:
    async with tree_of(children, looping=looping) as (app, ticks):
        new = Starting(ticks)
        took = {"status": await ticks.during(app.status())}
        asked = ticks.passed
        took |= {
            "add": await ticks.during(app.add_child(new)),
            "stop": await ticks.during(app.stop_child("w3")),
            "restart": await ticks.during(app.restart_child("w3")),
            "remove": await ticks.during(app.remove_child("w3")),
        }
        if looping:
            took["stop the crashing one"] = await ticks.during(app.stop_child("crashing"))
        took["until the start of the new one begins"] = new.began - asked
        return took


@pytest.mark.lazy_only("with eager tasks a start takes other steps")
async def test_steps_of_a_request_depend_neither_on_a_crash_loop_nor_on_the_size() -> None:
    """D11, W12"""
    plain, looping, large = [await steps_of_requests(*size) for size in SIZES]
    assert large == looping
    assert looping.pop("stop the crashing one") <= 3
    slower = {request: looping[request] - plain[request] for request in plain}
    assert max(slower.values()) <= 1, slower  # a step is in which it was awake already
    assert plain["status"] == 0
    assert plain["until the start of the new one begins"] == 2  # the supervisor's step, its own


async def duration_of_a_stop(children: int, *, looping: bool) -> tuple[float, int]:
    """Returns the seconds and the steps that it takes to stop a tree."""
    async with tree_of(children, looping=looping) as (inner, ticks):
        app, loop = inner.worker_parent, asyncio.get_running_loop()
        began = loop.time()
        steps = await ticks.during(app.shutdown())
        return loop.time() - began, steps


async def test_a_stop_takes_the_time_of_the_same_tree_without_the_crash_loop() -> None:
    """D14: within a few steps, those in which the crashing child hears of it."""
    quiet = await duration_of_a_stop(1000, looping=False)
    looping = await duration_of_a_stop(1000, looping=True)
    assert looping[0] == quiet[0] == 0
    assert abs(looping[1] - quiet[1]) <= 10


async def test_a_slow_start_of_one_child_holds_up_no_request_about_another() -> None:
    release = asyncio.Event()
    slow = worker_with(name="slow", startup=lambda _: release.wait())
    async with supervisor_of(Breakable(name="a"), Breakable(name="b")) as app:
        adding = asyncio.ensure_future(app.add_child(slow))
        await asyncio.sleep(1)
        assert [child.state for child in app.children()][-1] == "starting"
        began = asyncio.get_running_loop().time()
        await app.add_child(Breakable(name="c"))
        await app.restart_child("a")
        await app.stop_child("b")
        assert asyncio.get_running_loop().time() == began
        release.set()
        assert await adding is slow


async def test_a_slow_stop_of_one_child_holds_up_no_request_about_another() -> None:
    slow = worker_with(name="slow", run=lambda _: asyncio.sleep(3600))
    async with supervisor_of(slow, Breakable(name="a"), Breakable(name="b")) as app:
        stopping = asyncio.ensure_future(app.stop_child("slow"))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await app.restart_child("a")
        await app.stop_child("b")
        await app.add_child(Breakable(name="c"))
        assert asyncio.get_running_loop().time() == began
        await stopping
        assert asyncio.get_running_loop().time() == 10
