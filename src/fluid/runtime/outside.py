"""What a process shows of itself to those outside, and the HTTP server that answers them.

The server is a worker beside the root: ready before it begins, and the last to stop, so that it can
tell of a stop as long as there is one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import suppress

from .. import logs
from ..clock import steady_time
from ..errors import FluidError
from ..health import Health, Phase, Stalls
from ..worker import Worker
from .deadline import Deadline
from .front import Front, Witnessed
from .onlookers.onlooker import Onlooker, Onlookers
from .probe import Probe
from .progress import Progress
from .settings import Settings
from .stages import Stage
from .undone import is_abandoned

logger: logging.Logger = logging.getLogger("fluid.runtime")

FINAL = (Phase.STOPPING, Phase.ENDED)
"""Where a process only goes on from here to the end."""


class Outside:
    """All that is told of a process while it runs.

    Args:
        loop: The process's event loop.
        name: What the root is called as long as there is none.
        settings: What was asked for.
        front: What the operator sees.
        probe: Looks for blocks of the loop, if anybody does.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        settings: Settings,
        front: Front,
        probe: Probe | None,
    ) -> None:
        self.health: Health = Health(name=name)
        self.stalls: Stalls = Stalls()
        """Blocks of the event loop, so far."""
        self.progress: Progress = Progress(loop, self)
        self._loop: asyncio.AbstractEventLoop = loop
        self._settings: Settings = settings
        self._front: Front = front
        self._probe: Probe | None = probe
        if probe is not None:
            self.health.stalls = self.stalls
        if settings.http is not None:
            _load_server()
        self._onlookers: Onlookers = Onlookers()
        self._server: Worker | None = None
        self._phase: Phase | None = None

    @property
    def period(self) -> float:
        """Seconds between two looks at a start or a stop that goes on."""
        return self._front.period

    def prepare(self) -> None:
        """Makes what was asked for.

        Raises:
            FluidError: If that cannot be: an extra is not installed, a file cannot be written.
        """
        for onlooker in self._new_onlookers():
            self._onlookers.add(onlooker)  # at once: it hears of it if the next one fails
        if self._settings.http is not None:
            from .server import new_server

            self._server = new_server(self._settings.http, self.health)

    def _new_onlookers(self) -> Iterator[Onlooker]:
        if "NOTIFY_SOCKET" in os.environ:
            from .onlookers.systemd import supervised

            if (systemd := supervised(self.health, self._loop)) is not None:
                yield systemd
        if self._settings.health_file is not None:
            from .onlookers.health_file import HealthFile

            yield HealthFile(self._settings.health_file, self.health, self._loop, self._probe)

    @property
    def is_leaving(self) -> bool:
        """Whether it was told that the process ends."""
        return self._phase in FINAL

    async def open(self) -> None:
        """Starts the server, if there is one.

        Raises:
            Exception: If it cannot start: its port is in use.
        """
        if self._server is not None and self._settings.http is not None:
            from .server import try_address

            await try_address(self._settings.http)
            await self._server.startup()

    async def close(self, deadline: Deadline) -> bool:
        """Stops the server, in time; returns False if something of it refused to end."""
        server = self._server
        if server is None or not server.has_started():
            return True
        core = server._worker
        if deadline.is_running:
            core.deadline = self._loop.time() + max(deadline.left(steady_time()) / 2, 0.0)
        server.gracefully_stop()
        assert core.life is not None
        with suppress(asyncio.CancelledError):  # of whoever cancels all the tasks there are
            await core.life.wait_out()
        return not is_abandoned(server)

    def force(self) -> None:
        """Takes away what is left of the server's grace, if it is its turn to stop."""
        if self._server is not None and self._server.is_stopping():
            self._server._worker.force()

    # --- telling ---------------------------------------------------------------------------------

    def turn(self, phase: Phase) -> None:
        """Tells where the tree is from now on; a stop is for good."""
        if phase is self._phase or (self.is_leaving and phase is not Phase.ENDED):
            return
        self._phase = phase
        if phase in (Phase.STOPPING, Phase.RESTARTING):
            self.health.leaving = phase
        elif phase is Phase.READY:
            self.health.leaving = None
        self._onlookers.turn(phase)

    def say(self, level: int, text: str) -> None:
        """Logs a sentence about the root, which is named where ``text`` has its ``%s``."""
        path = self.health.path
        logs.safely(logger.log, level, text, path, extra={"worker": path})

    def stage(self, stage: Stage) -> None:
        """Tells how far a start or a stop is."""
        logs.safely(self._front.stage, stage)  # its terminal may have gone
        self._onlookers.stage(stage)

    def last_words(self, text: str, code: int) -> None:
        """Tells why the process ends as it does; nothing if all went well."""
        self._onlookers.last_words(text, code)
        self.dismiss()

    def front_at_exit(self) -> Front:
        """Returns what shows an end that is only forced when the run is over."""
        witnesses = self._onlookers.witnesses()
        return Witnessed(self._front, witnesses) if witnesses else self._front

    def dismiss(self) -> None:
        """Tells nobody anything any more."""
        self._onlookers.close()


def _load_server() -> None:
    """Loads uvicorn and the like while no signal is taken and no loop runs: that takes long.

    A stop would have to wait for it. If something is missing, :meth:`Outside.prepare` says so.
    """
    with suppress(FluidError):
        from ..metrics import text  # noqa: F401 - which loads prometheus-client
        from . import server  # noqa: F401
