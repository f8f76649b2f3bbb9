"""fluid: how long after ``supervisor.add_child(worker)`` does the worker start?"""

from __future__ import annotations

import asyncio
import json
from math import inf

from fluid import Supervisor, Worker


class Idle(Worker):
    """Waits for its stop."""

    async def run(self) -> None:
        await self.sleep(inf)


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    async with Supervisor(Idle(name="first")) as app:
        began = loop.time()
        added = await app.add_child(Idle(name="second"))
        seconds = loop.time() - began
        running = added.is_running()
    return {
        "expected": "it starts at once",
        "observed": f"it started after {seconds:.1f} s",
        "as_expected": running and seconds < 0.5,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
