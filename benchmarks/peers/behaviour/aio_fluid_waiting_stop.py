"""aio-fluid: what it costs to wait for a worker that takes a second to stop."""

from __future__ import annotations

import asyncio
import json
import time

from fluid.utils.worker import Worker


class Slow(Worker):
    """Finishes what it is at, which takes a second."""

    async def run(self) -> None:
        while self.is_running():
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    async with Slow():
        await asyncio.sleep(0.1)
        began, cpu = loop.time(), time.process_time()
    seconds = loop.time() - began
    share = (time.process_time() - cpu) / max(seconds, 1.0)
    return {
        "expected": "the wait costs next to no CPU",
        "observed": f"{share:.2f} s of CPU for each second of it",
        "as_expected": share < 0.1,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
