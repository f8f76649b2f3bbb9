"""fluid: a worker crashes, and its next start fails once, as when a database is not back yet."""

from __future__ import annotations

import asyncio
import json

from fluid import Supervisor, Worker


class Fussy(Worker):
    """Crashes in its first life, and fails to start in the second."""

    starts = 0

    async def on_startup(self) -> None:
        self.starts += 1
        if self.starts == 2:
            raise ConnectionError("not yet")

    async def run(self) -> None:
        await self.sleep(0.1)
        if self.starts == 1:
            raise ConnectionError("no route")
        await self.sleep(3600)


async def observe() -> dict[str, object]:
    child = Fussy()
    async with Supervisor(child, name="app") as app:
        await asyncio.sleep(6)
        state, of_child = app.worker_state, app.children()[0].state
    return {
        "expected": "the start is tried again",
        "observed": (
            f"{child.starts} starts; the supervisor is {state.value!r}, "
            f"the worker is {of_child.value!r}"
        ),
        "as_expected": child.starts == 3 and of_child == "running",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
