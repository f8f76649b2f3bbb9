"""fluid: a worker crashes 0.1 seconds after it has announced its start."""

from __future__ import annotations

import asyncio
import json
import logging

from fluid import Worker, Workers


class Crashing(Worker):
    """Says that it has started, and crashes."""

    announces_readiness = True

    async def run(self) -> None:
        self.set_ready()
        await asyncio.sleep(0.1)
        raise ConnectionError("no route")


class Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().splitlines()[0])


async def observe() -> dict[str, object]:
    listening = Listening()
    logging.getLogger("fluid").addHandler(listening)
    raised, logged = "nothing", "nothing"
    try:
        async with Workers(Crashing(), name="app") as app, asyncio.timeout(1):
            await app.wait_for_shutdown()
    except ConnectionError as error:
        raised = f"`{error!r}`"
    finally:
        logging.getLogger("fluid").removeHandler(listening)
        logged = ", ".join(map(repr, listening.lines[:1])) or "nothing"
    return {
        "expected": "the program is told, and can end",
        "observed": f"raised was {raised}; logged within 1 s was {logged}",
        "as_expected": raised != "nothing",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe())))
