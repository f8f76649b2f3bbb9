"""The connections and the requests of one life of a server, and how all of them come to an end.

uvicorn keeps both in two sets and looks at them ten times a second. Here the sets say by themselves
when somebody has left, so that nothing polls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, TypeAlias

from uvicorn.server import ServerState

from .. import events, tasks
from ..clock import wall_time
from ..texts import error_text
from ..worker.ladder import Ladder, Rung
from ..worker.life import Life
from ..worker.waits import Waiters

logger: logging.Logger = logging.getLogger("fluid.http")

LATE_STEPS = 4
"""Steps of the loop in which a connection comes in that was accepted just before the end."""

Headers: TypeAlias = list[tuple[bytes, bytes]]


class Crowd(set[Any]):
    """A set that tells who has come and who has left."""

    def __init__(self, on_come: Callable[[Any], None], on_leave: Callable[[Any], None]) -> None:
        super().__init__()
        self._on_come: Callable[[Any], None] = on_come
        self._on_leave: Callable[[Any], None] = on_leave

    def add(self, one: Any, /) -> None:
        """Takes one in."""
        super().add(one)
        self._on_come(one)

    def discard(self, one: Any, /) -> None:
        """Lets one go, if it is here."""
        if one in self:
            super().discard(one)
            self._on_leave(one)

    def remove(self, one: Any, /) -> None:
        """Lets one go that may be here."""
        self.discard(one)


class Guests(ServerState):
    """What uvicorn's protocols share: who is connected, what is handled, which headers all get.

    Args:
        life: The life of the worker that serves.
        headers: What every response has.
        is_dated: Whether a response tells the time of day as well.
    """

    def __init__(self, life: Life, headers: Headers, *, is_dated: bool) -> None:
        self._life: Life = life
        self._headers: Headers = headers
        self._is_dated: bool = is_dated
        self._dated: tuple[int, Headers] = (0, headers)
        self._is_closing: bool = False
        self._is_cut: bool = False
        self._waiters: Waiters[None] = Waiters()
        self._ladder: Ladder = Ladder(life.loop)
        self.total_requests: int = 0
        """Responses that are complete."""
        self.connections: Crowd = Crowd(self._came, self._left)
        """The protocols of the connections that are open."""
        self.tasks: Crowd = Crowd(_ignore, self._ended)
        """The tasks of the requests that are being handled."""

    @property
    def default_headers(self) -> Headers:  # type: ignore[override]
        """What every response has; the time of day is written anew when a second has passed."""
        if not self._is_dated:
            return self._headers
        second = int(wall_time(self._life.loop))
        if second != self._dated[0]:
            date = formatdate(second, usegmt=True).encode()
            self._dated = second, [(b"date", date), *self._headers]
        return self._dated[1]

    @property
    def are_here(self) -> bool:
        """Whether anybody is left."""
        return bool(self.connections or self.tasks)

    def close(self) -> None:
        """Lets everybody end what was begun, and go."""
        self._is_closing = True
        for connection in tuple(self.connections):
            self._see_off(connection)

    async def gone(self) -> None:
        """Waits until nobody is left; somebody has to see to it that it does not take for ever.

        Cancellation: Each time everybody is cut off, and waited for. Whoever refuses to end is left
        alone after two of the worker's cancel periods.
        """
        interrupted: asyncio.CancelledError | None = None
        late = LATE_STEPS
        try:
            while late or self.are_here:
                try:
                    if late:
                        late -= 1
                        await tasks.pause()
                        continue
                    waiting = self._waiters.wait(self._life.loop)
                    await tasks.on_behalf_of(self.tasks, waiting)
                except asyncio.CancelledError as error:
                    interrupted = error
                    self.interrupted()
            if interrupted is not None:
                raise interrupted
        finally:
            self._ladder.clear()
            del interrupted

    def cut_off(self) -> int:
        """Closes all connections at once; returns how many. What handles a request learns of it."""
        cut = tuple(self.connections)
        for connection in cut:
            connection.transport.abort()
        return len(cut)

    def interrupted(self) -> None:
        """Ends everything now; in bounded time also where the cancel was nobody's deadline."""
        stop = self._life.stop
        if not self._is_cut and not (stop is not None and stop.cancels):
            now, period = self._life.loop.time(), self._life.worker_alive().cancel_period
            rungs = (Rung(now + period, self._cancel), Rung(now + 2 * period, self._leave_alone))
            self._ladder.climb(rungs)
        self._is_closing = self._is_cut = True
        self.cut_off()
        self._cancel()

    # --- what happens to them --------------------------------------------------------------------

    def _came(self, connection: Any) -> None:
        if self._is_closing:  # it was accepted in the same breath; its transport is yet to come
            self._life.loop.call_soon(self._see_off, connection)

    def _see_off(self, connection: Any) -> None:
        """Closes a connection when its request has been answered: at once, if it has none.

        Never one that closes already: asyncio's with TLS can no longer be cut off when it has been
        closed twice, and waits for its client for ever.
        """
        if connection.transport.is_closing():
            return
        try:
            connection.shutdown()
        except Exception as error:  # of a protocol in a state that it did not reckon with
            logger.debug("a connection cannot be closed in order (%s)", error_text(error))
            connection.transport.abort()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        error = tasks.end_of(task) if task.done() else None
        if error is not None and not isinstance(error, asyncio.CancelledError):
            logger.error("a request failed (%s)", error_text(error), exc_info=error)
        self._left(task)

    def _left(self, _: object) -> None:
        if not self.are_here:
            self._waiters.wake(None)

    def _cancel(self) -> None:
        for task in tuple(self.tasks):
            tasks.cancel(task, f"fluid: worker {self._life.name!r} has to end now")

    def _leave_alone(self) -> None:
        for task in tuple(self.tasks):
            if not task.done():  # else its end is on its way here
                self._life.leave_alone(task)
                self._life.core.emit(events.HandlerAbandoned, tasks.await_stack(task))
                self.tasks.discard(task)


def _ignore(_: object) -> None:
    pass
