"""aiomisc: a ``PeriodicCallback`` with an interval of 0.2 seconds around work of 0.1.

The documentation calls it "periodic interval in seconds".
"""

from __future__ import annotations

import asyncio
import json
import time

from aiomisc import PeriodicCallback


async def observe() -> dict[str, object]:
    calls: list[float] = []

    async def work() -> None:
        calls.append(time.monotonic())
        await asyncio.sleep(0.1)

    periodic = PeriodicCallback(work)
    periodic.start(0.2)
    await asyncio.sleep(2)
    await periodic.stop(return_exceptions=True)
    period = (calls[-1] - calls[0]) / (len(calls) - 1)
    return {
        "expected": "a call every 0.200 s",
        "observed": f"a call every {period:.3f} s",
        "as_expected": 0.19 < period < 0.21,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
