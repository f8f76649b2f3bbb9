"""fluid: a supervised worker whose work raises each time, for 0.3 seconds, with the defaults."""

from __future__ import annotations

import asyncio
import json

from fluid import Supervisor, Worker


class Failing(Worker):
    """Fails each time."""

    calls = 0

    async def run(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    worker = Failing()
    async with Supervisor(worker) as app:
        await asyncio.sleep(0.3)
        wait = app.children()[0].restart_in
    return {
        "expected": "a pause between two attempts",
        "observed": f"attempts in 0.3 s: {worker.calls}, the next one in {wait or 0.0:.1f} s",
        "as_expected": worker.calls < 100,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
