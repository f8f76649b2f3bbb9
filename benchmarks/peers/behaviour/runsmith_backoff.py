"""runsmith: a worker crashes 0.1 seconds after each start. How long are the pauses, and how many?

The limit is a setting, ``worker_restart_quota``: "maximum restarts for a leaf worker before
escalation", 3 by default. ``supervision_interval`` is 0.25 seconds by default.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from loguru import logger
from runsmith.decorators import actor
from runsmith.defaults import DefaultWorkerEvent, DefaultWorkerState
from runsmith.errors import RetryExhaustedError
from runsmith.supervisor import AsyncSupervisor
from runsmith.worker import AsyncWorker

starts: list[float] = []
crashes: list[float] = []


class Crashing(AsyncWorker[DefaultWorkerState, DefaultWorkerEvent]):
    """Crashes a tenth of a second after it has started."""

    @actor("starting")
    async def setup(self) -> object:
        starts.append(time.monotonic())
        return self.emit("run")

    @actor("running")
    async def work(self) -> object:
        await asyncio.sleep(0.1)
        crashes.append(time.monotonic())
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    supervisor = AsyncSupervisor("app")
    supervisor.register_workers(Crashing("poller"))
    gave_up = "went on"
    try:
        async with asyncio.timeout(20):
            await supervisor.run()
    except (RetryExhaustedError, TimeoutError) as error:
        gave_up = f"gave up ({error})"
    pauses = [start - crash for crash, start in zip(crashes, starts[1:], strict=False)]
    told = ", ".join(f"{pause:.2f}" for pause in pauses)
    return {
        "expected": "pauses that grow, and a limit on restarts in a period",
        "observed": f"pauses of {told} s; then it {gave_up}",
        "as_expected": len(pauses) > 2 and pauses[2] > 1.5 * pauses[1] > 2.2 * pauses[0],
    }


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="CRITICAL")
    print(json.dumps(asyncio.run(observe())))
