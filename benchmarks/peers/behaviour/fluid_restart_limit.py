"""fluid: a worker that crashes after 5 ms, under a supervisor with ``max_restarts=3, period=60``.

There is no back-off here, which would slow it down by default.
"""

from __future__ import annotations

import asyncio
import json

from fluid import Backoff, Supervisor, SupervisorGaveUp, Worker


class Crashing(Worker):
    """Crashes soon after its start."""

    starts = 0

    async def run(self) -> None:
        self.starts += 1
        await asyncio.sleep(0.005)
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    child = Crashing()
    app = Supervisor(child, max_restarts=3, period=60, backoff=Backoff(initial=0))
    await app.startup()
    end = "it went on"
    try:
        async with asyncio.timeout(5):
            await app.wait_for_shutdown()
    except SupervisorGaveUp:
        end = "it gave up"
    except TimeoutError:
        await app.shutdown()
    restarts = child.starts - 1
    return {
        "expected": "at most 3 restarts a minute",
        "observed": f"{restarts} restarts, then {end}",
        "as_expected": restarts <= 3,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
