"""fluid: of two workers in a group, the second fails to start."""

from __future__ import annotations

import asyncio
import json
from math import inf

from fluid import Worker, Workers


class First(Worker):
    """Starts."""

    async def run(self) -> None:
        await self.sleep(inf)


class Broken(First):
    """Cannot start."""

    async def on_startup(self) -> None:
        raise ConnectionError("no database")


async def observe() -> dict[str, object]:
    first = First()
    try:
        await Workers(first, Broken()).startup()
    except ConnectionError as error:
        raised = f"`{error!r}`"
    else:
        raised = "nothing"
    return {
        "expected": "the start raises, and the first is stopped",
        "observed": f"`startup()` raises {raised}; the first is {first.worker_state.value!r}",
        "as_expected": raised != "nothing" and first.is_stopped(),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
