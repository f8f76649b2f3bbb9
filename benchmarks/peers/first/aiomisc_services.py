"""A service of aiomisc."""

import asyncio
from collections.abc import Callable

import aiomisc  # type: ignore[import-not-found]


class Working(aiomisc.Service):  # type: ignore[misc]
    """Sleeps until it is stopped."""

    runs: Callable[[], None]

    async def start(self) -> None:
        self.start_event.set()
        self.runs()
        await asyncio.sleep(3600)


async def main(runs: Callable[[], None]) -> None:
    """Runs it."""
    async with aiomisc.entrypoint(Working(runs=runs), log_config=False):
        pass
