"""aio-fluid: what has happened when ``startup()`` returns, and who sees that ``on_startup`` failed?

``on_startup`` is "called when the worker starts running; use this function to initialize other
async resources connected with the worker".
"""

from __future__ import annotations

import asyncio
import json

from fluid.utils.worker import Worker


class Slow(Worker):
    """Needs 0.1 seconds to connect."""

    connected = False

    async def on_startup(self) -> None:
        await asyncio.sleep(0.1)
        self.connected = True

    async def run(self) -> None:
        while self.is_running():
            await asyncio.sleep(0.01)


class Broken(Slow):
    """Cannot connect."""

    async def on_startup(self) -> None:
        await asyncio.sleep(0.1)
        raise ConnectionError("no database")


async def observe() -> dict[str, object]:
    slow, broken = Slow(), Broken()
    await slow.startup()
    was_connected = slow.connected
    await slow.shutdown()
    raised = "nothing"
    try:
        await broken.startup()
        await asyncio.sleep(0.2)
        await broken.wait_for_shutdown()
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "`on_startup()` has run; if it fails, `startup()` raises its error",
        "observed": (
            f"`on_startup()` {'had' if was_connected else 'had not'} run; of its failure came "
            f"{raised}, and the state {broken.worker_state.name}"
        ),
        "as_expected": was_connected and raised != "nothing",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
