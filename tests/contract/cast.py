"""The workers that the tests of the contract put on stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import inf

from fluid.utils.worker import QueueConsumer, Worker, WorkerState


class BoomError(Exception):
    """What the code of a user of these tests raises."""


class Idle(Worker):
    """Waits until it is asked to stop."""

    async def run(self) -> None:
        await self.sleep(inf)


class Deaf(Worker):
    """Never looks at its state, so that it has to be cancelled."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Refusing(Worker):
    """Ignores every cancel until a test lets it go, so that it has to be abandoned."""

    async def run(self) -> None:
        self.released = asyncio.Event()
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue


class Failing(Worker):
    """Raises as soon as it runs."""

    def __init__(self, error: BaseException, *, name: str = "") -> None:
        super().__init__(name=name)
        self.error = error

    async def run(self) -> None:
        raise self.error


class Brief(Worker):
    """Has nothing to do."""

    async def run(self) -> None:
        pass


class Recorder(Worker):
    """Writes down which of its hooks are called, and does in them what a test wants."""

    def __init__(
        self,
        *,
        on_startup: Callable[[], Awaitable[object]] | None = None,
        run: Callable[[], Awaitable[object]] | None = None,
        on_shutdown: Callable[[], Awaitable[object]] | None = None,
        name: str = "",
        stopping_grace_period: float | None = None,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        self.journal: list[str | tuple[str, str, int]] = []
        self.acts = {"on_startup": on_startup, "run": run, "on_shutdown": on_shutdown}

    async def on_startup(self) -> None:
        await self.act("on_startup")

    async def run(self) -> None:
        await self.act("run")

    async def on_shutdown(self) -> None:
        await self.act("on_shutdown")

    def after_shutdown(self, reason: str, code: int) -> None:
        self.journal.append(("after_shutdown", reason, code))

    async def act(self, hook: str) -> None:
        self.journal.append(hook)
        act = self.acts[hook]
        if act is not None:
            await act()


class Collector(QueueConsumer[object]):
    """Takes messages as the documentation says, and keeps them."""

    def __init__(self, *, name: str = "", stopping_grace_period: float | None = None) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        self.messages: list[object] = []

    async def run(self) -> None:
        while self.is_running() or self.queue_size():
            message = await self.get_message()
            if message is not None:
                self.messages.append(message)


async def for_ever() -> None:
    """Waits for what never comes."""
    await asyncio.Event().wait()


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    """Returns a function that raises ``error``."""

    async def fail() -> None:
        raise error

    return fail


async def end_of(worker: Worker) -> BaseException | None:
    """Waits for the end of ``worker`` and returns what that raised."""
    try:
        await worker.wait_for_shutdown()
    except BaseException as error:
        return error
    return None


@asynccontextmanager
async def worker_in(state: WorkerState) -> AsyncIterator[Worker]:
    """Lends a worker that is in ``state``."""
    match state:
        case WorkerState.INIT:
            yield Idle(name="subject")
        case WorkerState.RUNNING:
            async with Idle(name="subject") as worker:
                yield worker
        case WorkerState.STOPPING:
            async with Idle(name="subject") as worker:
                worker.gracefully_stop()
                yield worker
        case WorkerState.STOPPED:
            async with Idle(name="subject") as worker:
                pass
            yield worker
        case WorkerState.FORCE_STOPPED:
            async with Deaf(name="subject", stopping_grace_period=0) as deaf:
                await asyncio.sleep(0)
            yield deaf
        case WorkerState.FAILED:
            failing = Failing(BoomError("boom"), name="subject")
            await failing.startup()
            await end_of(failing)
            yield failing
