"""A service of mode."""

from collections.abc import Callable

from mode import Service  # type: ignore[import-not-found]


class Working(Service):  # type: ignore[misc]
    """Sleeps until it is stopped."""

    def __init__(self, runs: Callable[[], None]) -> None:
        self.runs: Callable[[], None] = runs
        super().__init__()

    @Service.task
    async def work(self) -> None:
        self.runs()
        while not self.should_stop:
            await self.sleep(3600)


async def main(runs: Callable[[], None]) -> None:
    """Runs it."""
    async with Working(runs) as service:
        await service.sleep(0.01)  # start() returns before its tasks have begun
