"""mode: how long after ``supervisor.add(service)`` does the service start?

The supervisor looks at its services every five seconds, or when its ``wakeup()`` is called, so that
is tried as well.
"""

from __future__ import annotations

import asyncio
import json
import time

from mode import Service
from mode.supervisors import OneForOneSupervisor


async def started(child: Service) -> float:
    """Returns the seconds until a service has started, ten at most."""
    began = time.monotonic()
    while not child.started and time.monotonic() - began < 10:
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def observe() -> dict[str, object]:
    supervisor = OneForOneSupervisor()
    supervisor.add(Service())
    await supervisor.start()
    await asyncio.sleep(0.1)
    added, woken = Service(), Service()
    supervisor.add(added)
    alone = await started(added)
    supervisor.add(woken)
    supervisor.wakeup()
    with_call = await started(woken)
    await supervisor.stop()
    return {
        "expected": "it starts at once",
        "observed": f"it started after {alone:.1f} s, and after {with_call:.1f} s with `wakeup()`",
        "as_expected": alone < 0.5,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
