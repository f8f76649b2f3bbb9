"""fluid: a ``PeriodicWorker`` with ``every(0.2)`` around work that takes 0.1 seconds."""

from __future__ import annotations

import asyncio
import json

from fluid import PeriodicWorker, every


async def observe() -> dict[str, object]:
    calls: list[float] = []

    async def work() -> None:
        calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)

    async with PeriodicWorker(work, every(0.2)):
        await asyncio.sleep(2)
    period = (calls[-1] - calls[0]) / (len(calls) - 1)
    return {
        "expected": "a call every 0.200 s",
        "observed": f"a call every {period:.3f} s",
        "as_expected": 0.19 < period < 0.21,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
