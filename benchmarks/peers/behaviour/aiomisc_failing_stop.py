"""aiomisc: two services are stopped, and the ``stop()`` of one raises while the other's still runs.

The documentation: "After exiting the entrypoint service instances will be gracefully shut down."
"""

from __future__ import annotations

import asyncio
import json

from aiomisc import Service, entrypoint


class Failing(Service):
    """Raises when it is stopped."""

    async def start(self) -> None:
        pass

    async def stop(self, exception: Exception | None = None) -> None:
        raise ConnectionError("no route")


class Careful(Service):
    """Needs 0.1 seconds to stop."""

    end = "was not asked to stop"

    async def start(self) -> None:
        pass

    async def stop(self, exception: Exception | None = None) -> None:
        self.end = "was cancelled while it stopped"
        await asyncio.sleep(0.1)
        self.end = "stopped"


def observe() -> dict[str, object]:
    careful = Careful()
    raised = "nothing"
    try:
        with entrypoint(Failing(), careful, log_config=False):
            pass
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "the other one still stops",
        "observed": f"the other one {careful.end}; the error was {raised}",
        "as_expected": careful.end == "stopped",
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
