"""The health of a tree of workers as an ASGI application: served by itself, or mounted in another.

It is made of plain functions and a dict of routes. Starlette would find the same four paths in
several times the time (10 µs for a whole probe, against 2 µs here), and would have to be imported
for it: whoever serves an application without Starlette needs none for its health.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from .. import logs
from ..errors import FluidValueError
from ..health import Health, Report
from ..worker import Worker
from ..worker.core import core_of
from . import answers
from .answers import Answer
from .asgi import ASGIApp, Receive, Scope, Send
from .origin import refusal

logger: logging.Logger = logging.getLogger("fluid.http")

METHODS: tuple[str, ...] = ("GET", "HEAD")
"""All that anybody may do here is look."""


def health_app(subject: Worker | Health, *, hosts: Collection[str] | None = None) -> ASGIApp:
    """Returns an ASGI application that tells how a tree of workers is.

    It serves by itself (``ASGIServer(health_app(tree))``), or in another application, below any
    path::

        import asyncio

        import httpx
        from fastapi import FastAPI

        from fluid import WorkerFunction
        from fluid.http import health_app


        async def poll() -> None: ...


        async def main() -> None:
            poller = WorkerFunction(poll, heartbeat=10, name="poller")
            app = FastAPI()
            app.mount("/internal", health_app(poller))
            transport = httpx.ASGITransport(app)
            async with (
                poller,
                httpx.AsyncClient(transport=transport, base_url="http://a") as client,
            ):
                answer = await client.get("/internal/readyz")
                print(answer.status_code, answer.text)


        asyncio.run(main())

    - ``/livez`` answers 200 while it makes sense to let the process go on: no worker that is needed
      is dead, and those that report progress do. It stays 200 through a stop.
    - ``/readyz`` answers 200 while it makes sense to send work, also if some of the workers are
      down that are not needed; then it says which. Else it answers 503, from the moment on in which
      a stop is asked for.
    - ``/status`` answers with the whole tree, as JSON: its first thousand workers, and how many
      there are in each state.
    - ``/metrics`` answers in the text format of Prometheus.

    Only GET and HEAD, with nothing in a query or a body that it would look at. What it answers is
    at most 0.25 seconds old, but for a stop, of which it knows at once; no answer calls any code of
    the workers. Texts are escaped, answers bounded, and no cache may keep them. The page of another
    site gets 403.

    Args:
        subject: The root of the tree; or its health, where the tree is yet to be made, as by
            ``lifespan(build, health=health)``. It is kept as long as the application is.
        hosts: The names by which requests may ask for it, besides any address; all others get 403.
            ``["localhost"]`` for a server that listens on loopback. Default: any name, as in a
            cluster, behind a proxy, or in an application that looks at the name itself.

    Raises:
        FluidValueError: If ``subject`` is neither a worker nor its health.
    """
    return HealthApp(_health_of(subject), hosts)


def _health_of(subject: Worker | Health) -> Health:
    if isinstance(subject, Health):
        return subject
    if not isinstance(subject, Worker) and callable(subject) and not isinstance(subject, type):
        raise FluidValueError(
            f"health_app() is about a worker, not about a function that makes one: {subject!r}; "
            f"share a Health with whoever calls it:  lifespan(build, health=health)"
        )
    core_of(subject)
    return Health(subject)


class HealthApp:
    """The application; see :func:`health_app`."""

    def __init__(self, health: Health, hosts: Collection[str] | None) -> None:
        from ..metrics import render_in_turn  # now: it takes too long for the middle of a request

        self._health: Health = health
        self._hosts: frozenset[str] | None = None if hosts is None else _in_lower_case(hosts)
        self._routes: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/status": self._status,
            "/metrics": self._metrics,
        }
        self._render: Callable[[Health], Awaitable[bytes]] = render_in_turn
        self._report: Report | None = None
        self._kept: dict[str, Answer] = {}
        """Answers that say what this report says."""
        self._scrape: tuple[Report | None, Answer] = None, answers.text(answers.UNAVAILABLE)
        """The last answer with metrics, and the report of when it was begun."""
        self._scraping: asyncio.Lock = asyncio.Lock()
        self._failing: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; agrees to a server's start and stop; takes no web socket."""
        match scope["type"]:
            case "http":
                status, headers, body = await self._answer(scope)
                await send({"type": "http.response.start", "status": status, "headers": headers})
                body = b"" if scope["method"] == "HEAD" else body
                await send({"type": "http.response.body", "body": body})
            case "websocket":
                await send({"type": "websocket.close"})
            case "lifespan":
                await _agree(receive, send)

    async def _answer(self, scope: Scope) -> Answer:
        path = _path_of(scope)
        if (look := self._routes.get(path)) is None:
            return answers.unknown(self._routes)
        if scope["method"] not in METHODS:
            return answers.text(answers.NOT_ALLOWED, "only GET and HEAD", allow=", ".join(METHODS))
        if reason := refusal(scope["headers"], self._hosts):
            return answers.text(answers.FORBIDDEN, reason)
        try:
            answer = await look()
        except Exception as error:
            return self._failed(path, error)
        self._failing.discard(path)
        return answer

    def _failed(self, path: str, error: Exception) -> Answer:
        """Says, once for any number of probes, that it does not know."""
        if path not in self._failing:
            self._failing.add(path)
            logs.safely(logger.error, "%s cannot be answered", path, exc_info=error)
        return answers.text(answers.FAILED, "this cannot be answered; the log says why")

    # --- looking ---------------------------------------------------------------------------------

    async def _live(self) -> Answer:
        return self._said("live", answers.live)

    async def _ready(self) -> Answer:
        return self._said("ready", answers.ready)

    async def _status(self) -> Answer:
        return self._said("status", lambda report: answers.status(report, self._health.tree()))

    async def _metrics(self) -> Answer:
        """Returns the metrics; what one asks for is for all who have asked by its end."""
        report, scrape = self._health.report(), self._scrape
        if scrape[0] is not report:
            async with self._scraping:
                if self._scrape is scrape:
                    text = await self._render(self._health)
                    self._scrape = report, answers.answer(answers.OK, answers.METRICS, text)
        return self._scrape[1]

    def _said(self, subject: str, say: Callable[[Report], Answer]) -> Answer:
        """Returns what there is to say now; what was said of the same report is said again."""
        report = self._health.report()
        if report is not self._report:
            self._kept.clear()
            self._report = report
        if (answer := self._kept.get(subject)) is None:
            answer = self._kept[subject] = say(report)
        return answer


def _in_lower_case(hosts: Collection[str]) -> frozenset[str]:
    if isinstance(hosts, str):
        raise FluidValueError(f"hosts is not a list of names but a text: {hosts!r}; [{hosts!r}]")
    return frozenset(host.lower() for host in hosts)


def _path_of(scope: Scope) -> str:
    """Returns the path below the one where the application is mounted.

    As ASGI has it since 2023, ``path`` has all of it; servers before that left ``root_path`` out.
    """
    path: str = scope["path"]
    below = path.removeprefix(scope.get("root_path", "").rstrip("/"))
    return below if below.startswith("/") else path


async def _agree(receive: Receive, send: Send) -> None:
    """Lets a server start and stop: there is nothing to open or to close."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
