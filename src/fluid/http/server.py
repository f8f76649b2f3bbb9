"""An ASGI application, served by uvicorn, as one worker among others.

Of uvicorn it takes what reads requests and writes responses. Its ``Server`` is not used: that takes
the process's signals, wakes up ten times a second, ends the process where a port is in use, and at
a stop has no answer to clients that stall.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn.config import Config

from ..errors import FluidValueError
from ..worker import Worker
from ..worker.core import Core
from ..worker.phase import RUN
from . import listening
from .gate import Limits
from .serving import Serving
from .visitor import Visitor

logger: logging.Logger = logging.getLogger("fluid.http")

OWN = {
    *("app", "host", "port", "uds", "fd", "loop", "log_config", "log_level", "use_colors"),
    *("reload", "reload_dirs", "reload_delay", "reload_includes", "reload_excludes", "workers"),
    *("factory", "backlog", "limit_max_requests", "limit_max_requests_jitter", "env_file"),
    *("timeout_notify", "callback_notify", "timeout_graceful_shutdown"),
    "timeout_worker_healthcheck",
}
"""Options of uvicorn's that are the worker's own affair, or that only its ``Server`` knows."""

INSTEAD: dict[str, str] = {
    "host": "ASGIServer(app, host=...)",
    "port": "ASGIServer(app, port=...)",
    "uds": "it listens at a host and a port only; put a proxy in front, or uvicorn in charge",
    "fd": "it listens at a host and a port only; put a proxy in front, or uvicorn in charge",
    "timeout_graceful_shutdown": "ASGIServer(app, stopping_grace_period=...)",
}
"""What is there in place of some of these."""

GATED: dict[str, object] = {
    "http": Visitor,
    "ws": "none",
    "proxy_headers": False,
    "date_header": False,
    "server_header": False,
}
"""Options of a server that has a gate: no more than it needs."""


class ServerCore(Core):
    """The private side of a server."""

    __slots__ = ("address", "asked", "config", "limits", "serving")

    asked: tuple[str, int]
    config: Config
    limits: Limits | None

    def __init__(self, owner: Worker, name: str, grace: float | None) -> None:
        super().__init__(owner, name, grace)
        self.address: tuple[str, int] | None = None
        self.serving: Serving | None = None

    def stop_begun(self) -> None:
        """Closes the doors at once."""
        life = self.life
        if self.serving is not None and life is not None and life.phase is RUN:
            self.serving.close(cancel_at=life.deadlines().plan.cancel_at)


class ASGIServer(Worker):
    """Serves an ASGI application, such as FastAPI's and Starlette's, in the worker's own loop.

    ::

        import asyncio
        from urllib.request import urlopen

        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        from fluid import Worker, Workers, run
        from fluid.http import ASGIServer


        async def hello(request: object) -> PlainTextResponse:
            return PlainTextResponse("hello")


        server = ASGIServer(Starlette(routes=[Route("/", hello)]), port=0)


        class Asker(Worker):
            async def run(self) -> None:
                host, port = server.address
                with await asyncio.to_thread(urlopen, f"http://{host}:{port}/") as response:
                    print(response.read().decode())


        if __name__ == "__main__":
            run(Workers(server, Asker()))

    It is ready when the application has started and connections are accepted. Where the application
    fails to start, or nobody can listen at that address, the start fails.

    A stop accepts no more connections at once and closes the idle ones. Requests that are being
    handled have nine tenths of the grace period; then every connection that is left is closed, of
    which the application learns as of any client that goes away, and what still runs at the end of
    the grace is cancelled. So a client that stalls cannot hold the stop. The application's own
    shutdown comes last, and has ``cleanup_period``.

    An application whose lifespan fails while it is served ends the worker with its error, at once.

    Args:
        app: The application itself: what ``uvicorn`` finds where it is told ``module:app``.
        host: The address to listen at, or a name; "127.0.0.1", where only this machine can
            connect, by default. "0.0.0.0" is all interfaces.
        port: The port; 8000 by default. 0 is any that is free, another at each start: see
            ``address``.
        name: As for every worker.
        stopping_grace_period: As for every worker; how long requests may take to end.
        options: Further options of uvicorn's, as ``{"root_path": "/api"}``; those of
            ``uvicorn.Config`` that are about the protocol or the application. None by default.

    Raises:
        FluidValueError: If there can be no such address, ``app`` is no application, or an option
            is not uvicorn's or not to be chosen here.
    """

    _worker_core_type = ServerCore
    _worker: ServerCore

    def __init__(
        self,
        app: Callable[..., Any],
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        name: str = "",
        stopping_grace_period: float | None = None,
        options: Mapping[str, object] | None = None,
        _limits: Limits | None = None,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        core = self._worker
        subject = f"worker {core.name!r}"
        listening.check(subject, host, port)
        core.asked = (host, port)
        core.limits = _limits
        core.config = _config_of(subject, app, dict(options or {}), _limits)

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port: as they were asked for, and from the start on the real ones."""
        return self._worker.address or self._worker.asked

    async def on_startup(self) -> None:
        """Starts the application and begins to accept connections; an override calls it.

        Raises:
            WorkerStartError: If nobody can listen there, or a file that an option names is missing.
            BaseException: What the application raised.

        Cancellation: The sockets are closed again, and the application is shut down if it has
        started.
        """
        core = self._worker
        assert core.life is not None
        core.serving = serving = Serving(core.config, core.life, core.limits)
        core.address = await serving.open(self.worker_exit_stack, core.asked)
        scheme = "https" if core.config.is_ssl else "http"
        where = f"{scheme}://{listening.text(*core.address)}"
        logger.info("worker %s listens on %s", core.path, where, extra={"worker": core.path})

    async def run(self) -> None:
        """Serves until a stop is asked for, and then until everybody has gone.

        Cancellation: Requests that still run are cancelled, and their connections closed.
        """
        core, serving = self._worker, self._worker.serving
        assert serving is not None
        try:
            await self.wait_or_stop(serving.app.broken())
        except asyncio.CancelledError:
            serving.guests.interrupted()
            raise
        except BaseException as error:  # what the requests need has gone: no grace for them
            assert core.life is not None
            core.life.fail(error)
        finally:
            await serving.end()

    async def status(self) -> dict[str, Any]:
        """Returns what there is to say now, with the address and what goes on there.

        Cancellation: Safe.
        """
        facts = await super().status()
        facts["address"] = listening.text(*self.address)
        if self._worker.serving is not None:
            facts |= self._worker.serving.figures()
        return facts


def _config_of(subject: str, app: object, options: dict[str, Any], limits: Limits | None) -> Config:
    """Returns uvicorn's view of what was asked for."""
    if isinstance(app, str) or not callable(app):
        raise FluidValueError(
            f"{subject} was given no application: {app!r}; import it and give it itself, as in "
            f"ASGIServer(app)"
        )
    if refused := sorted(OWN & options.keys()):
        instead = INSTEAD.get(refused[0], "it sees to that by itself")
        raise FluidValueError(f"option {refused[0]!r} of uvicorn's is not for {subject}: {instead}")
    if limits is not None:
        options |= {**GATED, "h11_max_incomplete_event_size": limits.size}
    try:
        return Config(cast("Any", app), log_config=None, **options)
    except TypeError as error:
        raise FluidValueError(f"options of {subject} are not all uvicorn's ({error})") from error
