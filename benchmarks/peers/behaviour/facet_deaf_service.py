"""facet: one of two services has a background task that ignores its cancellation for a second.

Both have a ``graceful_shutdown_timeout`` of 0.2 seconds, "how much total time in seconds wait for
stop routines". What is said about it is the error and whatever is logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time

from facet import AsyncioServiceMixin


class Part(AsyncioServiceMixin):
    """Has a task that ends when it is cancelled."""

    graceful_shutdown_timeout = 0.2

    async def start(self) -> None:
        self.add_task(self.work())

    async def work(self) -> None:
        await asyncio.sleep(3600)


class Mailer(Part):
    """Has one that does not."""

    async def work(self) -> None:
        until = time.monotonic() + 1
        while (left := until - time.monotonic()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


class App(AsyncioServiceMixin):
    """Depends on both."""

    dependencies = [Part(), Mailer()]  # noqa: RUF012 - a property in the documentation


class Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


async def observe() -> dict[str, object]:
    listening = Listening()
    logging.getLogger().addHandler(listening)
    raised = "nothing"
    try:
        async with App():
            await asyncio.sleep(0.1)
            began = time.monotonic()
    except TimeoutError as error:
        raised = f"`{error!r}`"
    seconds = time.monotonic() - began
    logged = ", ".join(map(repr, listening.lines)) or "nothing"
    return {
        "expected": "stopped in time, and the one that did not end is named",
        "observed": f"stopped after {seconds:.2f} s; raised was {raised}; logged was {logged}",
        "as_expected": seconds < 0.5 and "mailer" in (raised + logged).lower(),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
