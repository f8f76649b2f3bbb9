"""A loop that is blocked says for how long, where, and in whose code: on real loops."""

from __future__ import annotations

import asyncio
import time

import pytest

from fluid import QueueConsumerWorker, Worker, Workers, events
from fluid.runtime import probe
from fluid.runtime.probe import Stall
from tests.runtime.playing import Play, said_by_the_runtime, stop

pytestmark = pytest.mark.real

THRESHOLD = 0.02


def block():
    time.sleep(3 * THRESHOLD)


class Blocking(Worker):
    """Blocks again and again, until that was noticed."""

    def __init__(self, *, name="db"):
        super().__init__(name=name)
        self.heard = []
        self.subscribe(self.listen)

    def listen(self, event):
        """Notes a block of ours; on a machine that is busy there are others."""
        if isinstance(event, events.LoopStalled) and "in block" in "".join(event.stack[-1:]):
            self.heard.append(event)

    async def run(self):
        while not self.heard:
            await self.block()
            await asyncio.sleep(2 * THRESHOLD)
        stop(self)

    async def block(self):
        block()


class InATaskOfItsOwn(Blocking):
    async def block(self):
        async def work():
            block()

        async with asyncio.TaskGroup() as group:
            group.create_task(work(), name="child")


class InACallback(Blocking):
    async def block(self):
        asyncio.get_running_loop().call_soon(block)


class InAHandler(Blocking):
    """Blocks in one of the tasks that handle messages of a pool."""

    def __init__(self):
        super().__init__(name="beside")
        self.pool = QueueConsumerWorker(self.handle, name="db", concurrency=2)
        self.pool.subscribe(self.listen)

    async def handle(self, _):
        block()

    async def block(self):
        self.pool.send("hello")


def heard(worker, factory, *others):
    """Runs until a block was noticed, and returns the first event and the process."""
    playing = Play(
        lambda: Workers(*others, worker, name="app"),
        {"loop_factory": factory, "stall_threshold": THRESHOLD},
    )
    assert playing.run() == (0, "")
    return worker.heard[0], playing.process


@pytest.mark.parametrize(
    ("kind", "task"), [(Blocking, ""), (InATaskOfItsOwn, "child"), (InAHandler, "")]
)
def test_a_block_is_told_of_the_worker_whose_code_it_is(factory, kind, task):
    worker = kind()
    event, _ = heard(worker, factory, *([worker.pool] if kind is InAHandler else []))
    assert event.path == "app/db"
    assert event.is_known
    assert task in event.task
    assert event.seconds >= THRESHOLD


def test_a_block_of_a_callback_is_nobodys_and_told_of_the_root(factory):
    worker = InACallback()
    app = Workers(worker, name="app")
    app.subscribe(worker.listen)
    playing = Play(lambda: app, {"loop_factory": factory, "stall_threshold": THRESHOLD})
    assert playing.run() == (0, "")
    event = worker.heard[0]
    assert (event.path, event.is_known, event.task) == ("app", False, "")


def test_blocks_are_counted():
    _, process = heard(Blocking(), None)
    stalls = process._outside.stalls
    assert stalls.count >= 1
    assert stalls.seconds >= stalls.longest >= THRESHOLD


def test_a_threshold_of_0_asks_for_nothing():
    class Once(Blocking):
        async def run(self):
            block()
            await asyncio.sleep(2 * THRESHOLD)

    worker = Once()
    playing = Play(lambda: worker, {})
    assert playing.run() == (0, "")
    assert worker.heard == []


def test_a_block_while_there_is_no_worker_is_in_the_log(caplog):
    def lines():
        return [line for line in said_by_the_runtime(caplog) if " in block;" in line]

    async def make():
        for _ in range(100):
            block()
            await asyncio.sleep(2 * THRESHOLD)
            if lines():
                break
        return Brief()

    class Brief(Worker):
        async def run(self):
            pass

    playing = Play(make, {"stall_threshold": THRESHOLD})
    assert playing.run() == (0, "")
    assert lines()[0].startswith("task 'fluid.run' blocked the event loop for ")


@pytest.mark.parametrize(
    ("task", "core", "who"),
    [
        ("any", Blocking()._worker, "worker db"),
        ("a\nb", None, "task 'a\\nb'"),
        ("", None, "a callback"),
    ],
)
def test_a_block_that_goes_on_is_warned_of(caplog, task, core, who):
    probe._warn(Stall(2.04, ("/app.py:7 in main",), task, core))
    (record,) = (each for each in caplog.records if each.name == "fluid.runtime")
    assert record.levelname == "WARNING"
    assert record.worker == ("db" if core else "")
    assert record.getMessage() == (
        f"{who} has been blocking the event loop for 2.0 seconds, at /app.py:7 in main; "
        "nobody else can run"
    )
