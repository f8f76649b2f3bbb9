"""aio-fluid: how soon does an idle consumer see a message from another thread?

The docstring of ``QueueConsumer``: "Provides ``send`` for thread-safe message delivery". The thread
waits 0.15 seconds before it sends, so that the event loop is idle by then. Three consumers, one
after the other.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from statistics import median

from fluid.utils.worker import QueueConsumerWorker


async def latency() -> float:
    """Returns the seconds from a ``send()`` in a thread until the message is handled."""
    times: list[float] = []
    handled = asyncio.Event()

    async def handle(_: str) -> None:
        times.append(time.monotonic())
        handled.set()

    async with QueueConsumerWorker(handle) as consumer:

        def send() -> None:
            time.sleep(0.15)
            times.append(time.monotonic())
            consumer.send("from a thread")

        thread = threading.Thread(target=send)
        thread.start()
        await handled.wait()
        thread.join()
    return times[1] - times[0]


async def observe() -> dict[str, object]:
    milliseconds = median([await latency() for _ in range(3)]) * 1000
    return {
        "expected": "at once",
        "observed": f"after {milliseconds:.1f} ms",
        "as_expected": milliseconds < 50,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
