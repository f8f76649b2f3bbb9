"""A connection to a server that has a gate: uvicorn's, read in turns and within bounds.

It is always h11: pure Python, whose limits are known. There is one request at a time, without a
body worth the name, and nothing is read while it is being answered.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .gate import Gate

HEAD_END = re.compile(rb"\n\r?\n")
"""Where the head of a request ends, as h11 sees it."""


class Visitor(H11Protocol):
    """One connection."""

    def __init__(
        self,
        gate: Gate,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._gate: Gate = gate
        self._unread: bytes = b""
        """What waits for a turn."""
        self._is_new: bool = True
        self._is_reading: bool = False
        """Whether what has come is being looked at, in this very step."""
        self._is_greedy: bool = False
        """Whether there was more in it than the head of one request."""
        self.access_log = False
        self.logger: logging.Logger = gate.logger

    # --- what the transport tells ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to read."""
        transport.set_write_buffer_limits(high=0)  # see resume_writing()
        super().connection_made(transport)
        self._gate.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._gate.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Waits for a turn with what has come; what comes after it stays in the kernel.

        A loop reads 256 KiB at once. One byte more is kept than a head may have: h11 sees by it
        that the head is too long.
        """
        self._unread = data[: self._gate.limits.size + 1]
        self.transport.pause_reading()
        self._gate.ask(self, is_new=self._is_new)

    def resume_writing(self) -> None:
        """Goes on to the next request: the answer to the last one has been taken, all of it."""
        super().resume_writing()
        if self._is_free():
            self._listen()

    # --- what the gate tells ---------------------------------------------------------------------

    def go_on(self) -> None:
        """Reads on, to the end of one request's head and no further."""
        data, self._unread, self._is_new = self._unread, b"", False
        if self.transport.is_closing():
            return
        if end := HEAD_END.search(data):
            self._is_greedy = len(data) > end.end()
            data = data[: end.end()]
        last, self._is_reading = self.cycle, True
        super().data_received(data)
        self._is_reading = False
        if self.transport.is_closing():
            return
        if self.cycle is last:
            self.transport.resume_reading()
        elif self.cycle.response_complete:  # an eager task has answered in there
            self._answered()
        else:  # now it has time to be answered
            self._gate.got_on(self)

    def cut(self) -> None:
        """Closes it, whatever is still to be sent."""
        self.transport.abort()

    # --- what h11 and the application tell -------------------------------------------------------

    def on_response_complete(self) -> None:
        """Goes on to the next request, if it may."""
        self.server_state.total_requests += 1
        if not self._is_reading:
            self._answered()

    def _answered(self) -> None:
        """Waits for the next request, or closes: one that was sent on without waiting is too much.

        There may be hundreds of them in what is read in one turn. And of a body nothing is read.
        """
        if self.transport.is_closing():
            return
        has_more = self._is_greedy or self.conn.trailing_data[0]
        if has_more or self.conn.their_state not in (h11.DONE, h11.IDLE):
            self.transport.close()
            return
        if self.conn.their_state is h11.DONE:
            self.conn.start_next_cycle()
        if self.flow.write_paused:
            self.transport.pause_reading()  # it reads again already if an eager task has answered
        else:
            self._listen()

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing: the request is answered as any other."""

    def _is_free(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _listen(self) -> None:
        if not self.transport.is_closing():
            self._gate.got_on(self)
            self.transport.resume_reading()
