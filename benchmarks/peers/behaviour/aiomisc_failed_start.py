"""aiomisc: two services are started, and the second one fails to start.

The entrypoint is used as in the documentation: ``with entrypoint(*services) as loop``.
"""

from __future__ import annotations

import asyncio
import json

from aiomisc import Service, entrypoint


class First(Service):
    """Starts, and holds something that it would give back."""

    started = stopped = False

    async def start(self) -> None:
        self.started = True

    async def stop(self, exception: Exception | None = None) -> None:
        self.stopped = True


class Broken(Service):
    """Fails to start."""

    async def start(self) -> None:
        await asyncio.sleep(0.05)
        raise ConnectionError("no database")


def observe() -> dict[str, object]:
    first = First()
    raised = "nothing"
    try:
        with entrypoint(first, Broken(), log_config=False):
            pass
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "an error, and the first is stopped",
        "observed": (
            f"the error was {raised}; the first {'was' if first.started else 'was not'} started "
            f"and {'was' if first.stopped else 'was not'} stopped"
        ),
        "as_expected": raised != "nothing" and first.stopped,
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
