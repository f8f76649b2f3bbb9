"""A task."""

import asyncio
from collections.abc import Callable


async def main(runs: Callable[[], None]) -> None:
    """Runs it."""

    async def work() -> None:
        runs()
        await asyncio.sleep(3600)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
