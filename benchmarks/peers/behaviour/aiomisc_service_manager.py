"""aiomisc: what systemd is told by the ``SDWatchdogService``, in place of which there is a socket.

First beside a service that fails to start, then beside one whose stop looks at what was told so
far.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from pathlib import Path

from aiomisc import Service, entrypoint


class Manager:
    """Listens where systemd would."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        os.environ["NOTIFY_SOCKET"] = str(path)

    def heard(self) -> list[str]:
        """Returns the states that were told since the last call."""
        words: list[str] = []
        while True:
            try:
                words.append(self.socket.recv(4096).decode().partition("=")[0])
            except BlockingIOError:
                return [word for word in words if word in ("READY", "STOPPING")]


class Broken(Service):
    """Fails to start."""

    async def start(self) -> None:
        await asyncio.sleep(0.05)
        raise ConnectionError("no database")


class Asking(Service):
    """Looks at what was told when it has stopped."""

    manager: Manager
    heard: list[str]

    async def start(self) -> None:
        pass

    async def stop(self, exception: Exception | None = None) -> None:
        await asyncio.sleep(0.05)
        self.heard = self.manager.heard()


def observe() -> dict[str, object]:
    from aiomisc.service.sdwatchdog import SDWatchdogService

    with tempfile.TemporaryDirectory() as folder:
        manager = Manager(Path(folder) / "notify")
        try:
            with entrypoint(SDWatchdogService(), Broken(), log_config=False):
                pass
        except ConnectionError:
            pass
        after_failure = manager.heard()
        asking = Asking(manager=manager)
        with entrypoint(SDWatchdogService(), asking, log_config=False):
            pass
        was_early = "STOPPING" in asking.heard
        manager.socket.close()
    told = "was sent" if "READY" in after_failure else "was not sent"
    return {
        "expected": "no READY for a start that failed; STOPPING before the services stop",
        "observed": (
            f"after the start that failed READY {told}; "
            f"STOPPING came {'before' if was_early else 'after'} the service had stopped"
        ),
        "as_expected": "READY" not in after_failure and was_early,
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
