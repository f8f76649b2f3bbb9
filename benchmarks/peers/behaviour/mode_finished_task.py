"""mode: the only task of a supervised service returns, as a loop with a ``break`` in it does.

The supervisor looks at its services when it is woken up, and every five seconds: it is given six.
"""

from __future__ import annotations

import asyncio
import json

from mode import Service
from mode.supervisors import OneForOneSupervisor


class Brief(Service):
    """Has a task that comes to its end."""

    starts = 0

    async def on_start(self) -> None:
        self.starts += 1

    @Service.task
    async def work(self) -> None:
        await self.sleep(0.1)


async def observe() -> dict[str, object]:
    child = Brief()
    supervisor = OneForOneSupervisor()
    supervisor.add(child)
    await supervisor.start()
    await asyncio.sleep(6)
    return {
        "expected": "it is noticed",
        "observed": f"starts in 6 s: {child.starts}; its state is {child.state!r}",
        "as_expected": child.starts > 1 or child.state != "running",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
