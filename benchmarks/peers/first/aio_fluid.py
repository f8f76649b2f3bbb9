"""A worker of aio-fluid, which starts after ``startup()`` has returned."""

import asyncio
from collections.abc import Callable

from fluid.utils.worker import Worker


class Working(Worker):
    """Sleeps, in short pieces."""

    def __init__(self, runs: Callable[[], None]) -> None:
        super().__init__()
        self.runs: Callable[[], None] = runs

    async def run(self) -> None:
        self.runs()
        while self.is_running():
            await asyncio.sleep(0.01)


async def main(runs: Callable[[], None]) -> None:
    """Runs it."""
    async with Working(runs):
        await asyncio.sleep(0.01)
