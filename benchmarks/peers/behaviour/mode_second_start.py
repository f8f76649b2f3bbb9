"""mode: of two services that another one depends on, the second fails to start.

They are declared by ``on_init_dependencies``, as in the documentation.
"""

from __future__ import annotations

import asyncio
import json

from mode import Service


class Broken(Service):
    """Cannot start."""

    async def on_start(self) -> None:
        raise ConnectionError("no database")


class App(Service):
    """Depends on two."""

    def __post_init__(self) -> None:
        self.first = Service()

    def on_init_dependencies(self) -> list[Service]:
        return [self.first, Broken()]


async def observe() -> dict[str, object]:
    app = App()
    try:
        await app.start()
    except ConnectionError as error:
        raised = f"`{error!r}`"
    else:
        raised = "nothing"
    await asyncio.sleep(0.1)
    state = app.first.state
    await app.stop()
    until = " until `stop()` is called on the app" if app.first.should_stop else ""
    return {
        "expected": "the start raises, and the first is stopped",
        "observed": f"`start()` raises {raised}; the first is {state!r}{until}",
        "as_expected": raised != "nothing" and state != "running",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
