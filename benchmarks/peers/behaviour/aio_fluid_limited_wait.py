"""aio-fluid: ``asyncio.wait_for(worker.wait_for_shutdown(), 0.2)`` around a worker that runs on."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fluid.utils.worker import Worker


class Ticker(Worker):
    """Runs until it is told to stop."""

    async def run(self) -> None:
        while self.is_running():
            await asyncio.sleep(0.01)


async def observe() -> dict[str, object]:
    worker = Ticker()
    await worker.startup()
    with suppress(TimeoutError):
        await asyncio.wait_for(worker.wait_for_shutdown(), 0.2)
    running = worker.is_running()
    await worker.shutdown()
    return {
        "expected": "the wait ends, the worker runs on",
        "observed": f"the worker {'runs on' if running else 'was cancelled'}",
        "as_expected": running,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
