"""mode: a service that crashes after 5 ms, under a supervisor with ``max_restarts=3, over=60``.

Its ``Bucket`` explains the two: "A bucket "pours" tokens at a rate of ``rate`` per second (or
over)", and its example for ``Bucket(100, over=1.0)`` is "hundred tokens in one second".
"""

from __future__ import annotations

import asyncio
import json
import time

from mode import Service
from mode.supervisors import OneForOneSupervisor


class Crashing(Service):
    """Crashes soon after its start."""

    starts = 0

    async def on_start(self) -> None:
        self.starts += 1

    @Service.task
    async def work(self) -> None:
        await asyncio.sleep(0.005)
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    child = Crashing()
    supervisor = OneForOneSupervisor(max_restarts=3, over=60)
    supervisor.add(child)
    began = time.monotonic()
    await supervisor.start()
    while not supervisor.crashed and time.monotonic() - began < 5:
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began
    restarts = child.starts - 1
    return {
        "expected": "at most 3 restarts a minute",
        "observed": f"{restarts} restarts in {seconds:.1f} s",
        "as_expected": restarts <= 3,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
