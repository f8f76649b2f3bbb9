"""fluid: one of two workers ignores its cancellation for a second; what does the log say?

The grace is 0.1 seconds, and the two periods after it 0.05 each.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from fluid import Worker, Workers


class Part(Worker):
    """Ends when it is cancelled."""

    cancel_period = 0.05

    async def run(self) -> None:
        await asyncio.sleep(3600)


class Mailer(Part):
    """Does not."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 1
        while (left := until - loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue


class Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage().splitlines()[0]
        self.lines.append(line.replace(f"{Path(__file__).parent}/", ""))


async def observe() -> dict[str, object]:
    listening = Listening()
    logging.getLogger("fluid").addHandler(listening)
    loop = asyncio.get_running_loop()
    parts = [Part(stopping_grace_period=0.1), Mailer(stopping_grace_period=0.1)]
    try:
        async with Workers(*parts, name="app"):
            await asyncio.sleep(0.1)
            began = loop.time()
        seconds = loop.time() - began
    finally:
        logging.getLogger("fluid").removeHandler(listening)
    await asyncio.sleep(1)  # its task has ended as well
    logged = ", ".join(map(repr, listening.lines)) or "nothing"
    return {
        "expected": "stopped in time, and the one that did not end is named",
        "observed": f"stopped after {seconds:.2f} s; logged was {logged}",
        "as_expected": seconds < 0.5 and "mailer" in logged,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
