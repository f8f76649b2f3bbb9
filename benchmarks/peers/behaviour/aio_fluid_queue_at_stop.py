"""aio-fluid: 20 messages of 10 ms each, and a stop 30 ms later.

For an ``AsyncConsumer`` its docstring says that "any messages remaining in the queue when the
worker stops are discarded"; this is a ``QueueConsumerWorker``.
"""

from __future__ import annotations

import asyncio
import json

from fluid.utils.worker import QueueConsumerWorker


async def observe() -> dict[str, object]:
    handled: list[int] = []

    async def handle(message: int) -> None:
        await asyncio.sleep(0.01)
        handled.append(message)

    async with QueueConsumerWorker(handle) as consumer:
        for message in range(20):
            consumer.send(message)
        await asyncio.sleep(0.03)
    return {
        "expected": "what was accepted is handled, within the grace period",
        "observed": f"{len(handled)} of 20 messages were handled",
        "as_expected": handled == list(range(20)),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
