"""fluid: two workers are started in a group, and the second one fails to start."""

from __future__ import annotations

import asyncio
import json
from math import inf

from fluid import Worker, Workers


class First(Worker):
    """Starts, and holds something that it would give back."""

    started = stopped = False

    async def on_startup(self) -> None:
        self.started = True

    async def run(self) -> None:
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        self.stopped = True


class Broken(First):
    """Fails to start."""

    async def on_startup(self) -> None:
        await asyncio.sleep(0.05)
        raise ConnectionError("no database")


async def observe() -> dict[str, object]:
    first = First()
    raised = "nothing"
    try:
        async with Workers(first, Broken()):
            pass
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "an error, and the first is stopped",
        "observed": (
            f"the error was {raised}; the first {'was' if first.started else 'was not'} started "
            f"and {'was' if first.stopped else 'was not'} stopped"
        ),
        "as_expected": raised != "nothing" and first.stopped,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
