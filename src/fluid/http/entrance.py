"""The entrance of a server that has a gate: accepts connections one at a time, when it has a turn.

asyncio's own server accepts all that there are, in one step of the loop, and cannot be told to
wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from .. import tasks
from .gate import Gate
from .guests import Guests

PAUSE = 1.0
"""Seconds without accepting when the process has no more descriptors. Source: asyncio's."""


class Entrance:
    """Accepts connections to one socket.

    Args:
        sock: The socket, bound.
        gate: Gives the turns.
        guests: Who is inside.
        welcome: Makes the protocol of a connection.
        loop: The running loop.
    """

    def __init__(
        self,
        sock: socket.socket,
        gate: Gate,
        guests: Guests,
        welcome: Callable[[], asyncio.BaseProtocol],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._sock: socket.socket = sock
        self._gate: Gate = gate
        self._guests: Guests = guests
        self._welcome: Callable[[], asyncio.BaseProtocol] = welcome
        self._loop: asyncio.AbstractEventLoop = loop
        self._pause_timer: asyncio.TimerHandle | None = None
        self._is_closed: bool = False
        sock.listen(gate.limits.backlog)
        self._listen()

    def close(self) -> None:
        """Accepts nobody more; whoever waits before it is turned away."""
        self._is_closed = True
        self._gate.leave(self)
        self._loop.remove_reader(self._sock)
        if self._pause_timer is not None:
            self._pause_timer.cancel()
        self._sock.close()

    def go_on(self) -> None:
        """Accepts one."""
        try:
            connection, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):  # it has gone again
            self._listen()
        except OSError as error:  # no more descriptors, or no memory
            self._gate.logger.error("no connection can be accepted (%s)", error)
            self._pause_timer = self._loop.call_later(PAUSE, self._listen)
        else:
            opening = tasks.spawn(
                self._open(connection),
                loop=self._loop,
                name="connection",
                on_end=self._guests.tasks.discard,
            )
            self._guests.tasks.add(opening)
            self._listen()

    cut = close

    def _listen(self) -> None:
        self._pause_timer = None
        if not self._is_closed:
            self._loop.add_reader(self._sock, self._knocked)

    def _knocked(self) -> None:
        self._loop.remove_reader(self._sock)
        self._gate.ask(self, is_new=True)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._welcome, connection)
        except BaseException:
            connection.close()
            raise
