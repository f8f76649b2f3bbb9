"""mode: one of three services under a ``OneForAllSupervisor`` crashes, with default limits.

Its docstring: "Supervisor that restarts all services when a service crashes." The default limit is
100 restarts within a second.
"""

from __future__ import annotations

import asyncio
import json

from mode import Service
from mode.supervisors import OneForAllSupervisor


class Child(Service):
    """Crashes in its first life, if it is told to."""

    may_crash = False
    starts = 0

    async def on_start(self) -> None:
        self.starts += 1

    @Service.task
    async def work(self) -> None:
        await self.sleep(0.1)
        if self.may_crash and self.starts == 1:
            raise ConnectionError("no route")
        await self.sleep(3600)


async def observe() -> dict[str, object]:
    children = [Child(), Child(), Child()]
    children[1].may_crash = True
    supervisor = OneForAllSupervisor()
    supervisor.add(*children)
    await supervisor.start()
    await asyncio.sleep(1)
    starts = [child.starts for child in children]
    times = ", ".join(map(str, starts))
    end = f", and ended with `{supervisor.crash_reason!r}`" if supervisor.crashed else ""
    return {
        "expected": "all three are started again",
        "observed": f"the supervisor started them {times} times{end}",
        "as_expected": starts == [2, 2, 2] and not supervisor.crashed,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
