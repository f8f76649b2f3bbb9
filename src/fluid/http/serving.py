"""One life of a server: what it opens, and how all of it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import AsyncExitStack, suppress
from functools import partial
from math import isinf
from typing import Any, Protocol, cast

from uvicorn.config import Config

from ..errors import WorkerStartError
from ..texts import error_text
from ..worker.life import Life
from . import listening
from .app_life import AppLife
from .asgi import ASGIApp
from .entrance import Entrance
from .gate import Gate, Limits
from .guests import Guests
from .visitor import Visitor

logger: logging.Logger = logging.getLogger("fluid.http")

BACKLOG = 2048
"""Connections that may wait to be accepted, where there is no gate. Source: uvicorn's default."""

FILES = ("ssl_certfile", "ssl_keyfile", "ssl_ca_certs")
"""Options that name files, of which the system's errors do not say which is missing."""

LAST_PART = 0.1
"""Of the grace: clients are cut off by then, and what handled their requests can still end."""


class Opening(Protocol):
    """Accepts connections."""

    def close(self) -> None:
        """Accepts no more."""


class Serving:
    """What serves an application in one life of a worker.

    Args:
        config: What uvicorn's protocols are to do.
        life: The life of the worker.
        limits: What clients may take; None for whatever they want.
    """

    def __init__(self, config: Config, life: Life, limits: Limits | None) -> None:
        _load(config)
        app = cast("ASGIApp", config.loaded_app)
        headers = config.encoded_headers
        self.app: AppLife = AppLife(app, life, is_needed=config.lifespan == "on")
        self.guests: Guests = Guests(life, headers, is_dated=config.date_header)
        self._config: Config = config
        self._life: Life = life
        self._gate: Gate | None = None if limits is None else Gate(limits, life.loop, logger)
        self._sockets: list[socket.socket] = []
        self._openings: list[Opening] = []
        self._cut_timer: asyncio.TimerHandle | None = None

    async def open(self, stack: AsyncExitStack, asked: tuple[str, int]) -> tuple[str, int]:
        """Binds, starts the application, and accepts; returns the address.

        Args:
            stack: Closes what was opened, also if this fails half-way.
            asked: The host and the port.

        Raises:
            WorkerStartError: If nobody can listen there.
            BaseException: What the application raised.
        """
        sockets = await listening.bind(*asked)  # first, because it undoes itself
        for sock in sockets:
            stack.callback(sock.close)
        self._sockets = sockets
        if self._config.lifespan != "off":
            stack.push_async_callback(self.app.stop)
            await self.app.start()
        stack.push_async_callback(self._end_now)
        for sock in sockets:
            await self._open(sock)
        host, port = sockets[0].getsockname()[:2]
        return host, port

    async def _open(self, sock: socket.socket) -> None:
        loop, config, gate = self._life.loop, self._config, self._gate
        guests, state = self.guests, self.app.state
        if gate is not None:
            welcome = partial(Visitor, gate, config, guests, state, loop)
            self._openings.append(Entrance(sock, gate, guests, welcome, loop))
            return
        protocol = cast("Any", config.http_protocol_class)
        server = await loop.create_server(
            partial(protocol, config, guests, state, _loop=loop),
            sock=sock,
            ssl=config.ssl,
            backlog=BACKLOG,
            start_serving=False,  # a cancel would leave behind one that has begun
        )
        self._openings.append(server)
        await server.start_serving()

    def close(self, cancel_at: float | None = None) -> None:
        """Accepts no more, and lets everybody end what was begun.

        Args:
            cancel_at: When those who have not ended will be cancelled, if that is known; they are
                cut off before that.
        """
        for sock in self._sockets:
            with suppress(OSError):  # a child that was forked off would go on listening
                sock.shutdown(socket.SHUT_RDWR)
        for opening in self._openings:
            opening.close()
        self._openings.clear()
        self.guests.close()
        if self._gate is not None:
            self._gate.close()
        if cancel_at is not None and not isinf(cancel_at) and self._cut_timer is None:
            now = self._life.loop.time()
            left = (cancel_at - now) * (1 - LAST_PART)
            self._cut_timer = self._life.loop.call_later(max(left, 0.0), self._cut_off, left)

    async def end(self) -> None:
        """Closes, and waits until everybody has gone. Cancellation: As that of ``Guests.gone``."""
        self.close()
        try:
            await self.guests.gone()
        finally:
            if self._cut_timer is not None:
                self._cut_timer.cancel()

    async def _end_now(self) -> None:
        """Ends what is left where ``run`` was never called: a stop came as the start ended."""
        self.close()
        if self.guests.are_here:
            self.guests.interrupted()
            await self.guests.gone()

    def _cut_off(self, after: float) -> None:
        if count := self.guests.cut_off():
            clients = "1 client" if count == 1 else f"{count} clients"
            path = self._life.core.path
            logger.warning(
                "worker %s cut off %s that had not gone %.3g seconds after the request to stop",
                *(path, clients, after),
                extra={"worker": path},
            )

    def figures(self) -> dict[str, int]:
        """Returns what goes on, and what has."""
        guests = self.guests
        return {
            "connections": len(guests.connections),
            "in_hand": len(guests.tasks),
            "requests": guests.total_requests,
        }


def _load(config: Config) -> None:
    """Has uvicorn find what its options name: files, modules."""
    if config.loaded:
        return
    try:
        config.load()
    except Exception as error:
        files = {name: getattr(config, name) for name in FILES if getattr(config, name)}
        which = "".join(f", {name}={value!r}" for name, value in files.items())
        raise WorkerStartError(
            f"uvicorn cannot use the options that it was given{which}: {error_text(error)}"
        ) from error
