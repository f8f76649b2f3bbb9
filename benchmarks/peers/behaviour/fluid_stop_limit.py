"""fluid: ``cleanup_period = 0.2``, and a worker whose ``on_shutdown()`` takes two seconds."""

from __future__ import annotations

import asyncio
import json
from math import inf

from fluid import CleanupTimeoutError, Worker


class Slow(Worker):
    """Needs two seconds to stop."""

    cleanup_period = 0.2

    async def run(self) -> None:
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        await asyncio.sleep(2)


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    raised = "nothing"
    try:
        async with Slow():
            began = loop.time()
    except CleanupTimeoutError as error:
        raised = f"`{type(error).__name__}`"
    seconds = loop.time() - began
    return {
        "expected": "the stop has 0.2 s",
        "observed": f"it had {seconds:.2f} s; raised was {raised}",
        "as_expected": seconds < 0.5,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
