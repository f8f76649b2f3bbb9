"""fluid: one of three workers under a ``one_for_all`` supervisor crashes, with default limits."""

from __future__ import annotations

import asyncio
import json

from fluid import Supervisor, Worker


class Child(Worker):
    """Crashes in its first life, if it is told to."""

    may_crash = False
    starts = 0

    async def on_startup(self) -> None:
        self.starts += 1

    async def run(self) -> None:
        await self.sleep(0.1)
        if self.may_crash and self.starts == 1:
            raise ConnectionError("no route")
        await self.sleep(3600)


async def observe() -> dict[str, object]:
    children = [Child(name=name) for name in "abc"]
    children[1].may_crash = True
    async with Supervisor(*children, strategy="one_for_all", name="app") as app:
        await asyncio.sleep(1)
        running = app.is_running()
    starts = [child.starts for child in children]
    end = "runs on" if running else "ended"
    times = ", ".join(map(str, starts))
    return {
        "expected": "all three are started again",
        "observed": f"the supervisor started them {times} times, and {end}",
        "as_expected": starts == [2, 2, 2] and running,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
