"""mode: a service crashes, and its next start fails once, as when a database is not back yet.

The limit on restarts is the default, 100 within a second. The supervisor looks at its services when
it is woken up, and every five seconds, so it is given six.
"""

from __future__ import annotations

import asyncio
import json

from mode import Service
from mode.supervisors import OneForOneSupervisor


class Fussy(Service):
    """Crashes in its first life, and fails to start in the second."""

    starts = 0

    async def on_start(self) -> None:
        self.starts += 1
        if self.starts == 2:
            raise ConnectionError("not yet")

    @Service.task
    async def work(self) -> None:
        await self.sleep(0.1)
        if self.starts == 1:
            raise ConnectionError("no route")
        await self.sleep(3600)


async def observe() -> dict[str, object]:
    child = Fussy()
    supervisor = OneForOneSupervisor()
    supervisor.add(child)
    await supervisor.start()
    await asyncio.sleep(6)
    return {
        "expected": "the start is tried again",
        "observed": (
            f"{child.starts} starts; the supervisor is {supervisor.state!r}, "
            f"the service says that it is {child.state!r}"
        ),
        "as_expected": child.starts == 3 and not supervisor.crashed,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
