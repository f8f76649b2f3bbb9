"""The processes that ``make signals`` kills: one function for each way to behave.

Each writes marks as it goes, so that whoever kills it knows what it was doing.
"""
# ruff: noqa: D101, D102 - a misbehaviour is described where it is made

from __future__ import annotations

import asyncio
import atexit
import hashlib
import threading
import time
from contextlib import suppress
from math import inf

from fluid import PeriodicWorker, QueueConsumerWorker, Worker, every

from .signals_marks import MOMENT, Marking, Root, Stages, Waiting, mark

# --- those who behave ----------------------------------------------------------------------------


async def handle(_message: object) -> None:
    await asyncio.sleep(0.001)


async def well_behaved() -> Worker:
    """Consumers, one of them a pool, and a timer that feeds them."""
    consumer = QueueConsumerWorker(handle, name="consumer")
    pool = QueueConsumerWorker(handle, name="pool", concurrency=4)

    async def feed() -> None:
        if consumer.queue_size():  # a machine that is busy cannot handle it all within its grace
            return
        for number in range(5):
            await consumer.put(number)
            await pool.put(number)

    timer = PeriodicWorker(feed, every(0.02), name="timer")
    return Root(consumer, pool, Marking(name="worker"), timer)


class Source(Marking):
    """Sends as fast as it can, until it is stopped."""

    def __init__(self, first: QueueConsumerWorker[int]) -> None:
        super().__init__()
        self.first: QueueConsumerWorker[int] = first

    async def run(self) -> None:
        mark("running")
        while self.is_running():
            await self.first.put(1)


def pipeline() -> Worker:
    """Three stages under load, with little room between them."""
    sink: QueueConsumerWorker[int] = QueueConsumerWorker(handle, name="sink", maxsize=10)
    first: QueueConsumerWorker[int] = QueueConsumerWorker(sink.put, name="first", maxsize=10)
    return Stages(Source(first), first, sink)


class Ending(Marking):
    """Ends by itself, soon."""

    async def run(self) -> None:
        mark("running")
        await self.sleep(MOMENT)


def ends() -> Worker:
    return Root(Ending(), Waiting())


# --- those who fail ------------------------------------------------------------------------------


class Failing(Marking):
    """Raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException = error

    async def run(self) -> None:
        mark("running")
        if await self.sleep(MOMENT):
            mark("failing")
            raise self.error


def fails() -> Worker:
    return Root(Failing(ConnectionError("no route")))


def exits() -> Worker:
    return Root(Failing(SystemExit(64)))


class FailingStart(Marking):
    async def on_startup(self) -> None:
        mark("starting")
        await asyncio.sleep(MOMENT)
        mark("failing")
        raise LookupError("no such host")


def fails_to_start() -> Worker:
    return Root(FailingStart())


# --- those who do not end ------------------------------------------------------------------------


class HangingStart(Marking):
    async def on_startup(self) -> None:
        mark("starting")
        await asyncio.sleep(inf)


def hangs_in_start() -> Worker:
    return Root(HangingStart())


class HangingCleanup(Marking):
    async def on_shutdown(self) -> None:
        mark("cleaning")
        await asyncio.sleep(inf)


def hangs_in_cleanup() -> Worker:
    return Root(HangingCleanup())


async def ignore_cancels() -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(inf)


class Deaf(Marking):
    async def run(self) -> None:
        mark("running")
        await ignore_cancels()


def deaf() -> Worker:
    """One who ignores that it is cancelled, and is abandoned."""
    return Root(Deaf(), Waiting())


async def never_end(_message: object) -> None:
    mark("hanging")
    await ignore_cancels()


class Sending(Marking):
    """Sends one message, and waits."""

    def __init__(self, consumer: QueueConsumerWorker[int]) -> None:
        super().__init__()
        self.consumer: QueueConsumerWorker[int] = consumer

    async def run(self) -> None:
        mark("running")
        if self.is_running():
            await self.consumer.put(1)
        await self.sleep(inf)


def leaves_a_handler() -> Worker:
    """A consumer whose handler ignores that it is cancelled."""
    consumer: QueueConsumerWorker[int] = QueueConsumerWorker(never_end, name="q", concurrency=2)
    return Root(consumer, Sending(consumer))


class Stray(Marking):
    async def run(self) -> None:
        mark("running")
        self.stray = asyncio.create_task(self.be_stray())
        await self.sleep(inf)

    async def be_stray(self) -> None:
        mark("hanging")
        await ignore_cancels()


def leaves_a_task() -> Worker:
    """A task that fluid knows nothing of, and that ignores that it is cancelled."""
    return Root(Stray())


# --- those who block -----------------------------------------------------------------------------


class Blocking(Marking):
    async def run(self) -> None:
        mark("running")
        mark("hanging")
        self.block()

    def block(self) -> None:
        raise NotImplementedError


class Sleeping(Blocking):
    def block(self) -> None:
        time.sleep(3600)


def sleeps_in_the_loop() -> Worker:
    return Root(Sleeping())


class Busy(Blocking):
    def block(self) -> None:
        while True:
            pass


def computes_in_the_loop() -> Worker:
    return Root(Busy())


class Hashing(Blocking):
    def block(self) -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)  # lets the interpreter's lock go


def computes_in_c() -> Worker:
    """Code in C that lets other threads run, but no signal handler."""
    return Root(Hashing())


def block_thread() -> None:
    mark("hanging")
    time.sleep(3600)


class InExecutor(Marking):
    async def run(self) -> None:
        mark("running")
        await asyncio.to_thread(block_thread)


def blocks_an_executor() -> Worker:
    return Root(InExecutor())


class InThread(Marking):
    async def run(self) -> None:
        mark("running")
        threading.Thread(target=block_thread).start()
        await self.sleep(inf)


def blocks_a_thread() -> Worker:
    """A thread that is no daemon, for which the interpreter waits."""
    return Root(InThread())


def hangs_at_exit() -> Worker:
    atexit.register(block_thread)
    return Root(Ending())


def exiting() -> None:
    """Marks the end of the interpreter, and takes a moment there."""
    mark("exiting")
    time.sleep(MOMENT)


mark("importing")
time.sleep(MOMENT)
atexit.register(exiting)
mark("imported")
