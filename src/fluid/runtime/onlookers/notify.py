"""A line to the service manager: datagrams to the socket that ``NOTIFY_SOCKET`` names.

Nothing here waits, and nothing raises: a manager that does not listen is no reason to do anything
else than work. What it means is for others to know.

Source:
    The protocol is that of sd_notify(3): lines of ``NAME=value`` in one datagram to a socket of the
    file system, or to an abstract one whose name begins with ``@``.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from threading import Lock

from ... import logs
from ...texts import error_text, one_line

logger: logging.Logger = logging.getLogger("fluid.runtime")

FULL = {errno.EAGAIN, errno.ENOBUFS}
"""The manager has not come to read what was sent before; it will."""


def is_known(address: str) -> bool:
    """Returns whether ``NOTIFY_SOCKET`` names a socket of this machine; vsock is for others."""
    return address.startswith(("/", "@")) and len(address) > 1


class Notifier:
    """Sends messages in order, each as soon as there is room for it.

    One that could not be sent is kept, and a later one of the same kind takes its place at the end:
    there are never more than there are kinds. May be called in any thread.

    Args:
        address: Where to, as ``NOTIFY_SOCKET`` has it.
    """

    def __init__(self, address: str) -> None:
        self.address: str = address
        """Where to."""
        name = os.fsencode(address)
        self._address: bytes = b"\0" + name[1:] if name.startswith(b"@") else name
        self._shown: str = one_line(address)
        self._socket: socket.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._unsent: dict[str, bytes] = {}
        """By their kind, which is the name of their first line."""
        self._has_warned: bool = False
        self._lock: Lock = Lock()

    def send(self, *lines: str) -> None:
        """Sends a message now, or with one of the next ones."""
        kind = lines[0].partition("=")[0]
        with self._lock:
            self._unsent.pop(kind, None)
            self._unsent[kind] = _datagram(lines)
            self._flush()

    def send_or_drop(self, *lines: str) -> bool:
        """Sends a message that is of no use later; returns whether it was."""
        with self._lock:
            return self._flush() and self._has_sent(_datagram(lines))

    def flush(self) -> None:
        """Tries again to send what is left."""
        with self._lock:
            self._flush()

    def close(self) -> None:
        """Sends nothing more."""
        with self._lock:
            self._unsent.clear()
            self._socket.close()

    def _flush(self) -> bool:
        """Sends what is left, in order; returns whether all of it went."""
        while self._unsent:
            kind = next(iter(self._unsent))
            if not self._has_sent(self._unsent[kind]):
                return False
            del self._unsent[kind]
        return True

    def _has_sent(self, datagram: bytes) -> bool:
        if self._socket.fileno() == -1:  # closed
            return False
        try:
            self._socket.sendto(datagram, self._address)  # not connected: it may be made anew
        except OSError as error:
            if error.errno not in FULL:
                self._warn_once(error)
            return False
        return True

    def _warn_once(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logs.safely(
                logger.warning,
                "systemd does not hear of this process: NOTIFY_SOCKET is %s (%s)",
                self._shown,
                error_text(error),
            )


def _datagram(lines: tuple[str, ...]) -> bytes:
    return "\n".join(lines).encode(errors="backslashreplace")
