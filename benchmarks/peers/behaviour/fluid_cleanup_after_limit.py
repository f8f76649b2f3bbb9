"""fluid: a worker that does not end within its grace period, which is 0.2 seconds."""

from __future__ import annotations

import asyncio
import json

from fluid import Worker


class Waiting(Worker):
    """Waits for what never comes."""

    was_cleaned_up = False

    async def run(self) -> None:
        await asyncio.sleep(3600)

    async def on_shutdown(self) -> None:
        self.was_cleaned_up = True


async def stopped(worker: Worker) -> str:
    """Returns what ``shutdown()`` does."""
    try:
        await worker.shutdown()
    except TimeoutError:
        return "raises `TimeoutError`"
    return "returns"


async def observe() -> dict[str, object]:
    worker = Waiting(stopping_grace_period=0.2)
    await worker.startup()
    first, second = await stopped(worker), await stopped(worker)
    cleanup = "ran" if worker.was_cleaned_up else "did not run"
    return {
        "expected": "cleanup after the limit",
        "observed": f"`shutdown()` {first}, a second one {second}; `on_shutdown()` {cleanup}",
        "as_expected": worker.was_cleaned_up,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
