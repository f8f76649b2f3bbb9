"""Service managers for tests: one that listens on a real socket, one that writes down."""

from __future__ import annotations

import asyncio
import socket


class Manager:
    """Listens on a datagram socket, as systemd does.

    Args:
        name: The name of the socket; an abstract one begins with a null character.
    """

    def __init__(self, name: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.setblocking(False)
        self.address = name.replace("\0", "@")

    def heard(self) -> list[str]:
        """Returns the datagrams that have come."""
        datagrams: list[str] = []
        while True:
            try:
                datagrams.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return datagrams

    def words(self) -> list[str]:
        """Returns the first words of those that are neither pings, nor status, nor extensions."""
        words = [datagram.partition("=")[0] for datagram in self.heard()]
        return [word for word in words if word in ("READY", "RELOADING", "STOPPING")]


class Minutes:
    """Stands in for a notifier, and writes down what is said, and when."""

    def __init__(self) -> None:
        self.said: list[tuple[float, str]] = []
        self.is_full: bool = False
        """Whether what may be dropped is dropped."""

    def send(self, *lines: str) -> None:
        self.said.append((asyncio.get_running_loop().time(), "\n".join(lines)))

    def send_or_drop(self, *lines: str) -> bool:
        if not self.is_full:
            self.send(*lines)
        return not self.is_full

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def times_of(self, word: str) -> list[float]:
        """Returns when messages came whose first line begins with ``word``."""
        return [time for time, text in self.said if text.startswith(word)]

    def lines(self, name: str) -> list[str]:
        """Returns the values of a name, in order."""
        lines = [line for _, text in self.said for line in text.split("\n")]
        return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]
