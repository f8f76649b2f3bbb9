"""Workers for tests, each with one trait, and a diary of what happened to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

from fluid import Worker
from fluid.events import WorkerEvent


class Recorded(Worker):
    """Writes down which hooks ran, and waits in ``run`` until it has to stop."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.diary: list[object] = []
        self.events: list[WorkerEvent] = []
        self.subscribe(self.events.append)

    async def on_startup(self) -> None:
        self.diary.append("on_startup")

    async def run(self) -> None:
        self.diary.append("run")
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        self.diary.append("on_shutdown")

    def after_shutdown(self, reason: str, code: int) -> None:
        self.diary.append((reason, code))


def worker_with(
    *,
    startup: Callable[[Recorded], Awaitable[object]] | None = None,
    run: Callable[[Recorded], Awaitable[object]] | None = None,
    shutdown: Callable[[Recorded], Awaitable[object]] | None = None,
    **options,
) -> Recorded:
    """Returns a recorded worker whose hooks also await the given functions."""

    class Made(Recorded):
        async def on_startup(self) -> None:
            await super().on_startup()
            if startup is not None:
                await startup(self)

        async def run(self) -> None:
            if run is None:
                await super().run()
            else:
                self.diary.append("run")
                await run(self)

        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            if shutdown is not None:
                await shutdown(self)

    return Made(**{"name": "made", **options})


async def forever(_worker: Worker) -> None:
    """Waits, and minds a cancel."""
    await asyncio.sleep(inf)


def deaf_to(cancels: float) -> Callable[[Worker], Awaitable[None]]:
    """Returns a hook that ignores so many cancels, ends with the next, and after an hour anyway."""

    async def hook(_worker: Worker) -> None:
        left, until = cancels, now() + 3600
        while now() < until:
            try:
                await asyncio.sleep(until - now())
            except asyncio.CancelledError:
                if not left:
                    raise
                left -= 1

    return hook


deaf = deaf_to(inf)


def raising(error: BaseException) -> Callable[[Worker], Awaitable[None]]:
    """Returns a hook that raises ``error``."""

    async def hook(_worker: Worker) -> None:
        raise error

    return hook


async def at_once(_worker: Worker) -> None:
    """Returns."""


def now() -> float:
    """Returns the time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()
