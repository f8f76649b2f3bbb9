"""fluid: what systemd is told by ``run()``, in place of which there is a socket.

First with a worker that fails to start, then with one that gets SIGTERM and looks, when it has
stopped, at what was told so far.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import tempfile
from contextlib import suppress
from math import inf
from pathlib import Path

from fluid import Worker, Workers, run


class Manager:
    """Listens where systemd would."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.path = path

    def start(self, worker: Worker) -> None:
        """Runs a worker as systemd would start it: ``run()`` takes the variable away."""
        os.environ["NOTIFY_SOCKET"] = str(self.path)
        run(Workers(worker, name="app"))

    def heard(self) -> list[str]:
        """Returns the states that were told since the last call."""
        words: list[str] = []
        while True:
            try:
                words.append(self.socket.recv(4096).decode().partition("=")[0])
            except BlockingIOError:
                return [word for word in words if word in ("READY", "STOPPING")]


class Broken(Worker):
    """Fails to start."""

    async def on_startup(self) -> None:
        await asyncio.sleep(0.05)
        raise ConnectionError("no database")

    async def run(self) -> None:
        """Is never called."""


class Asking(Worker):
    """Asks for the end by a signal, and looks at what was told when it has stopped."""

    manager: Manager
    heard: list[str]

    async def run(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        await asyncio.sleep(0.05)
        self.heard = self.manager.heard()


def observe() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        manager = Manager(Path(folder) / "notify")
        with suppress(SystemExit):
            manager.start(Broken())
        after_failure = manager.heard()
        asking = Asking()
        asking.manager = manager
        manager.start(asking)
        was_early = "STOPPING" in asking.heard
        manager.socket.close()
    told = "was sent" if "READY" in after_failure else "was not sent"
    return {
        "expected": "no READY for a start that failed; STOPPING before the services stop",
        "observed": (
            f"after the start that failed READY {told}; "
            f"STOPPING came {'before' if was_early else 'after'} the worker had stopped"
        ),
        "as_expected": "READY" not in after_failure and was_early,
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
