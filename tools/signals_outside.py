"""Those who look on while ``make signals`` kills a process: systemd, clients, the reader of a file.

They write down what they get to see; what is wrong with that is said in ``signals_sights.py``.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from fluid.health.judging import Question, ask

from .signals_records import Answer, Outside, Sights

LOOK = 0.03
"""Seconds from one look to the next."""
PATIENCE = 0.3
"""Seconds that a client waits for an answer."""
DRAIN_DELAYS = (0.1, 0.3)

PORTS: Iterator[int] = itertools.cycle(range(20_000 + os.getpid() % 10_000, 32_000))
"""Below those that the system gives to clients, which could be given one that is to be listened
on."""


def outside_of(chance: Random) -> Outside:
    """Returns what a process shows of itself: nothing, half of the time."""
    if chance.random() < 0.5:
        return Outside()
    http, file, systemd, drains = (chance.random() < 0.6 for _ in range(4))
    return Outside(http, file, systemd, chance.choice(DRAIN_DELAYS) if drains else 0.0)


class Lookout:
    """Looks on from the beginning of a process to its end, in a thread of its own.

    Args:
        asked: What there is to be seen.
        folder: An empty one, for the health file and systemd's socket.
    """

    def __init__(self, asked: Outside, folder: str) -> None:
        self._asked: Outside = asked
        self._files: Path = Path(folder) / "files"
        self._files.mkdir()
        self._file: Path = self._files / "health"
        self._port: int = free_port() if asked.http else 0
        self._manager: socket.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address: str = f"{folder}/notify"
        self._manager.bind(self._address)
        self._manager.setblocking(False)
        self._told: list[str] = []
        self._answers: list[Answer] = []
        self._stalled: list[socket.socket] = []
        self._is_over: threading.Event = threading.Event()
        self._thread: threading.Thread = threading.Thread(target=self._look_on, daemon=True)

    @property
    def options(self) -> list[str]:
        """What has to stand on its command line."""
        asked, found = self._asked, list[str]()
        if asked.http:
            found += ["--http", str(self._port)]
        if asked.file:
            found += ["--health-file", str(self._file)]
        if asked.drain_delay:
            found += ["--drain-delay", str(asked.drain_delay)]
        return found

    @property
    def variables(self) -> dict[str, str]:
        """What has to be in its environment."""
        if not self._asked.systemd:
            return {}
        return {"NOTIFY_SOCKET": self._address, "WATCHDOG_USEC": "300000"}

    def begin(self) -> None:
        """Looks on from now."""
        if self._asked.http or self._asked.systemd:
            self._thread.start()

    def end(self) -> Sights:
        """Returns what there was to be seen; the process has to be gone."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._read_told()
        self._manager.close()
        for sock in self._stalled:
            sock.close()
        left = tuple(sorted(each.name for each in self._files.iterdir()))
        is_taken_for_live = self._asked.file and ask(Question.LIVE, str(self._file)).is_good
        return Sights(tuple(self._told), tuple(self._answers), left, is_taken_for_live)

    # --- in the thread ---------------------------------------------------------------------------

    def _look_on(self) -> None:
        while not self._is_over.is_set():
            select.select([self._manager], [], [], LOOK)
            self._read_told()
            if self._asked.http:
                self._ask()

    def _read_told(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self._told.append(self._manager.recv(4096).decode())

    def _ask(self) -> None:
        """Asks whether it is ready, once; and leaves one request for ever unfinished."""
        asked_at = time.monotonic()
        with suppress(OSError):  # it does not listen yet, or any more, or does not answer
            with self._client() as client:
                client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                words = client.recv(100).split()
            if words:
                self._answers.append(Answer(asked_at, time.monotonic(), int(words[1])))
            if not self._stalled:
                self._stalled.append(self._client())
                self._stalled[0].sendall(b"GET /readyz HTTP/1.1\r\nHost:")

    def _client(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)


def free_port() -> int:
    """Returns a port that nobody listens on."""
    for port in PORTS:
        with socket.socket() as sock, suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))
            return port
    raise AssertionError
