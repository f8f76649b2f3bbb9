"""fluid: a worker crashes 0.1 seconds after each start. How long are the pauses, and how many?

Defaults, but for the jitter: 5 restarts within a minute.
"""

from __future__ import annotations

import asyncio
import json

from fluid import Backoff, Supervisor, SupervisorGaveUp, Worker


class Crashing(Worker):
    """Crashes a tenth of a second after it has started."""

    def __init__(self) -> None:
        super().__init__(name="poller")
        self.starts: list[float] = []
        self.crashes: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self.starts.append(loop.time())
        await asyncio.sleep(0.1)
        self.crashes.append(loop.time())
        raise ConnectionError("no route")


async def observe() -> dict[str, object]:
    child = Crashing()
    app = Supervisor(child, backoff=Backoff(jitter=0), name="app")
    await app.startup()
    gave_up = "went on"
    try:
        async with asyncio.timeout(20):
            await app.wait_for_shutdown()
    except SupervisorGaveUp as error:
        gave_up = f"gave up ({str(error).partition(',')[0]})"
    except TimeoutError:
        await app.shutdown()
    pauses = [start - crash for crash, start in zip(child.crashes, child.starts[1:], strict=False)]
    told = ", ".join(f"{pause:.2f}" for pause in pauses)
    return {
        "expected": "pauses that grow, and a limit on restarts in a period",
        "observed": f"pauses of {told} s; then it {gave_up}",
        "as_expected": len(pauses) > 2 and pauses[2] > 1.5 * pauses[1] > 2.2 * pauses[0],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
