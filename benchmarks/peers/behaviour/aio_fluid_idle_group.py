"""aio-fluid: a group of 5,000 consumers that have nothing to do, watched for two seconds."""

from __future__ import annotations

import asyncio
import json
import time

from fluid.utils.worker import QueueConsumerWorker, Workers

COUNT = 5000


async def handle(_: object) -> None:
    """Is never called."""


async def observe() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    consumers = [QueueConsumerWorker(handle, name=f"{number}") for number in range(COUNT)]
    async with Workers(*consumers):
        await asyncio.sleep(1)
        running = sum(consumer.is_running() for consumer in consumers)
        began, cpu = loop.time(), time.process_time()
        await asyncio.sleep(2)
        share = (time.process_time() - cpu) / (loop.time() - began)
    return {
        "expected": "they cost next to nothing",
        "observed": f"{running:,} running, {share:.1%} of a core",
        "as_expected": running == COUNT and share < 0.02,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
