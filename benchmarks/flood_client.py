"""The process that floods, for ``flood.py``: plain sockets, and no mercy."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

OFFERED = 10_000
"""Requests a second."""
CONNECTIONS = 100
STALLED = 1_000
NONSENSE = 20
"""Malformed requests a second."""
TICK = 0.005

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-probe/1.33\r\n\r\n"
HALF = REQUEST[:30]
MALFORMED = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    b"GET /livez HTTP/1.1\r\nHost: \xff\xfe\r\nNo colon here\r\n\r\n",
    b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
)


class Flood:
    """All the connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.probers: dict[socket.socket, bool] = {}
        """Whether each of them may ask: it is connected, and has its last answer."""
        self.offered = 0

    def connect(self) -> socket.socket:
        """Begins to connect, and does not wait for it."""
        sock = socket.socket()
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.connect(("127.0.0.1", self.port))
        return sock

    def tick(self, requests: int, nonsense: int) -> None:
        """Sends as many requests as are due now, as far as connections have their last answer."""
        for _ in range(CONNECTIONS - len(self.probers)):
            sock = self.connect()
            self.probers[sock] = True
            self.selector.register(sock, selectors.EVENT_READ)
        self.offered += requests
        free = [sock for sock, is_free in self.probers.items() if is_free]
        for sock in free[:requests]:
            with suppress(OSError):  # it is not connected yet
                sock.send(REQUEST)
                self.probers[sock] = False
        for number in range(nonsense):
            self.malformed(MALFORMED[number % len(MALFORMED)])
        for key, _ in self.selector.select(0):
            self.read(key.fileobj)

    def read(self, sock: object) -> None:
        """Takes what has come; who was closed is replaced at the next tick."""
        assert isinstance(sock, socket.socket)
        try:
            if answer := sock.recv(65536):
                if sock in self.probers and answer.endswith(b"ok\n"):
                    self.probers[sock] = True
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.selector.unregister(sock)
        self.probers.pop(sock, None)
        sock.close()

    def malformed(self, nonsense: bytes) -> None:
        """Sends something that is no request, on a connection of its own."""
        sock = self.connect()
        with suppress(OSError):
            sock.send(nonsense)
        self.selector.register(sock, selectors.EVENT_READ)


def half_requests(flood: Flood) -> Iterator[socket.socket]:
    """Connects, sends half a request, and stays."""
    for _ in range(STALLED):
        sock = flood.connect()
        with suppress(OSError):
            sock.send(HALF)
        yield sock


def main(port: int, seconds: float) -> None:
    """Floods for so long, and says how many requests were offered in a second."""
    flood = Flood(port)
    stalled = list(half_requests(flood))
    began = time.monotonic()
    sent = spoilt = 0
    while (passed := time.monotonic() - began) < seconds:
        due, nonsense = int(OFFERED * passed), int(NONSENSE * passed)
        flood.tick(due - sent, nonsense - spoilt)
        sent, spoilt = due, nonsense
        time.sleep(TICK)
    print(json.dumps({"offered": flood.offered / seconds, "stalled": len(stalled)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
