"""mode: a service with ``wait_for_shutdown = True``, and nobody calls ``set_shutdown()`` in time.

``shutdown_timeout`` is, in the words of the source, the "time to wait for shutdown flag set before
we give up".
"""

from __future__ import annotations

import asyncio
import json

from mode import Service


class Waiting(Service):
    """Waits 0.2 seconds for a flag that never comes."""

    wait_for_shutdown = True
    shutdown_timeout = 0.2
    was_cleaned_up = False

    async def on_shutdown(self) -> None:
        self.was_cleaned_up = True


async def stopped(service: Service) -> str:
    """Returns what ``stop()`` does."""
    try:
        await service.stop()
    except TimeoutError:
        return "raises `TimeoutError`"
    return "returns"


async def observe() -> dict[str, object]:
    service = Waiting()
    await service.start()
    first, second = await stopped(service), await stopped(service)
    cleanup = "ran" if service.was_cleaned_up else "did not run"
    return {
        "expected": "cleanup after the limit",
        "observed": f"`stop()` {first}, a second one {second}; `on_shutdown()` {cleanup}",
        "as_expected": service.was_cleaned_up,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
