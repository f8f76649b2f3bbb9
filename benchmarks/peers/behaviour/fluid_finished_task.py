"""fluid: the ``run()`` of a supervised worker returns, as a loop with a ``break`` in it does."""

from __future__ import annotations

import asyncio
import json

from fluid import Supervisor, Worker


class Brief(Worker):
    """Comes to its end."""

    starts = 0

    async def run(self) -> None:
        self.starts += 1
        await self.sleep(0.1)


async def observe() -> dict[str, object]:
    child = Brief()
    async with Supervisor(child):
        await asyncio.sleep(6)
    return {
        "expected": "it is noticed",
        "observed": f"starts in 6 s: {child.starts}",
        "as_expected": child.starts > 1,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
