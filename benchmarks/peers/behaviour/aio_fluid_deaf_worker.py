"""aio-fluid: a worker ignores its cancellation for three seconds; its grace period is 0.2.

"If the worker does not stop in the grace period, it will force shutdown by cancelling the task."
"""

from __future__ import annotations

import asyncio
import json

from fluid.utils.worker import Worker


class Deaf(Worker):
    """Ignores its cancellation for three seconds."""

    cancel_period = 0.1  # says something to fluid only

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 3
        while (left := until - loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    worker = Deaf(stopping_grace_period=0.2)
    await worker.startup()
    await asyncio.sleep(0)
    began = loop.time()
    await worker.shutdown()
    seconds = loop.time() - began
    await asyncio.sleep(3)  # its task has ended in any case
    return {
        "expected": "`shutdown()` has a limit",
        "observed": f"it took {seconds:.1f} s",
        "as_expected": seconds < 1,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
