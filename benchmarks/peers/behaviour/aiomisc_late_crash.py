"""aiomisc: a service crashes 0.1 seconds after it has announced its start.

Its ``start()`` runs on after ``self.start_event.set()``, as in the documentation. The program does
something else for a second meanwhile. Whatever is logged by then is counted.
"""

from __future__ import annotations

import asyncio
import json
import logging

from aiomisc import Service, entrypoint


class Crashing(Service):
    """Says that it has started, and crashes."""

    async def start(self) -> None:
        self.start_event.set()
        await asyncio.sleep(0.1)
        raise ConnectionError("no route")


class Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().splitlines()[0])


def observe() -> dict[str, object]:
    listening = Listening()
    logging.getLogger().addHandler(listening)
    raised, logged = "nothing", "nothing"
    try:
        with entrypoint(Crashing(), log_config=False) as loop:
            loop.run_until_complete(asyncio.sleep(1))
            logged = ", ".join(map(repr, listening.lines)) or "nothing"
    except ConnectionError as error:
        raised = f"`{error!r}`"
    return {
        "expected": "the program is told, and can end",
        "observed": f"raised was {raised}; logged within 1 s was {logged}",
        "as_expected": raised != "nothing",
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
