"""aio-fluid: a ``WorkerFunction(heartbeat=30)`` is stopped between calls; its grace is 0.5 s."""

from __future__ import annotations

import asyncio
import json

from fluid.utils.worker import WorkerFunction


async def poll() -> None:
    """Has nothing to do."""


async def observe() -> dict[str, object]:
    async with WorkerFunction(poll, heartbeat=30, stopping_grace_period=0.5) as worker:
        await asyncio.sleep(0.1)
    state = worker.worker_state.name
    return {
        "expected": "it stops gracefully",
        "observed": f"it is {state}",
        "as_expected": state == "STOPPED",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
