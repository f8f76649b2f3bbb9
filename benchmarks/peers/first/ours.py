"""A worker of fluid."""

from collections.abc import Callable

from fluid import Worker


class Working(Worker):
    """Sleeps until it is stopped."""

    def __init__(self, runs: Callable[[], None]) -> None:
        super().__init__()
        self.runs: Callable[[], None] = runs

    async def run(self) -> None:
        self.runs()
        while await self.sleep(3600):
            pass


async def main(runs: Callable[[], None]) -> None:
    """Runs it."""
    async with Working(runs):
        pass
