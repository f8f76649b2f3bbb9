"""aiojobs: a scheduler is closed while a job ignores its cancellation for two seconds.

It has two limits, ``wait_timeout`` for the jobs to end by themselves and ``close_timeout`` for
their cancellation: 0.3 and 0.2 seconds here.
"""

from __future__ import annotations

import asyncio
import json
import time

import aiojobs


async def deaf() -> None:
    """Ignores its cancellation for two seconds."""
    until = time.monotonic() + 2
    while (left := until - time.monotonic()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue


async def observe() -> dict[str, object]:
    async with aiojobs.Scheduler(wait_timeout=0.3, close_timeout=0.2) as scheduler:
        await scheduler.spawn(deaf())
        began = time.monotonic()
    seconds = time.monotonic() - began
    return {
        "expected": "closed within 0.5 s",
        "observed": f"closed after {seconds:.2f} s",
        "as_expected": seconds < 0.7,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
