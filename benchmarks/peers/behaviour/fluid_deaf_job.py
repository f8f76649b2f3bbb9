"""fluid: a worker ignores its cancellation for two seconds while it is stopped.

It has 0.3 seconds to end by itself, and twice 0.1 for its cancellation.
"""

from __future__ import annotations

import asyncio
import json

from fluid import Worker


class Deaf(Worker):
    """Ignores its cancellation for two seconds."""

    cancel_period = 0.1

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 2
        while (left := until - loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    async with Deaf(stopping_grace_period=0.3):
        await asyncio.sleep(0)
        began = loop.time()
    seconds = loop.time() - began
    await asyncio.sleep(2)  # its task has ended as well
    return {
        "expected": "closed within 0.5 s",
        "observed": f"closed after {seconds:.2f} s",
        "as_expected": seconds < 0.7,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
