"""fluid: a group is stopped; the cleanup of one worker raises while the other's is still at it."""

from __future__ import annotations

import asyncio
import json
from math import inf

from fluid import Worker, Workers


class Idle(Worker):
    """Waits for its stop."""

    async def run(self) -> None:
        await self.sleep(inf)


class Failing(Idle):
    """Raises when it is stopped."""

    async def on_shutdown(self) -> None:
        raise ConnectionError("no route")


class Careful(Idle):
    """Needs 0.1 seconds to stop."""

    end = "was not asked to stop"

    async def on_shutdown(self) -> None:
        self.end = "was cancelled while it stopped"
        await asyncio.sleep(0.1)
        self.end = "stopped"


async def observe() -> dict[str, object]:
    careful = Careful()
    raised = "nothing"
    try:
        async with Workers(Failing(), careful):
            pass
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "the other one still stops",
        "observed": f"the other one {careful.end}; the error was {raised}",
        "as_expected": careful.end == "stopped",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
