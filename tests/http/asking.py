"""Starts, asks and stops an ASGI application as a server does, and no server is there."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from starlette.applications import Starlette

from fluid.http import lifespan
from fluid.http.workers_in_app import Build


class Reply(NamedTuple):
    """What has come back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[str]:
        return self.body.decode().splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    path: str,
    method: str = "GET",
    *,
    root: str = "",
    state: dict[str, Any] | None = None,
    body: object = None,
    **headers: str,
) -> Reply:
    """Sends one request; in the names of headers ``_`` stands for ``-``, and a body is JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        headers |= {"content_type": "application/json", "content_length": str(len(content))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": root,
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8080),
        "state": dict(state or {}),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], told, b"".join(each.get("body", b"") for each in rest))


class Server:
    """Leads an application through its lifespan."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self.said: list[str] = []
        self.words = ""
        self._orders: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._has_said = asyncio.Event()
        self.task: asyncio.Future[None] | None = None

    async def start(self) -> str:
        """Returns what the application says to its start."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self.task = asyncio.ensure_future(self.app(scope, self._orders.get, self._send))
        return await self._tell("lifespan.startup")

    async def stop(self) -> str:
        """Returns what it says to its stop."""
        return await self._tell("lifespan.shutdown")

    async def ask(self, path: str, method: str = "GET", *, body: object = None) -> Reply:
        return await ask(self.app, path, method, state=self.state, body=body)

    async def _tell(self, order: str) -> str:
        self._has_said.clear()
        self._orders.put_nowait({"type": order})
        await self._has_said.wait()
        assert self.task is not None
        if self.said[-1] != "startup.complete":
            await asyncio.wait([self.task])
            self.task.exception()  # is looked at
        return self.said[-1]

    async def _send(self, message: dict[str, Any]) -> None:
        self.said.append(message["type"].removeprefix("lifespan."))
        self.words = message.get("message", "")
        self._has_said.set()


def in_app(build: Build, **options: Any) -> Any:
    """Returns the lifespan of an application, as its server enters it."""
    app = Starlette(lifespan=lifespan(build, **options))
    return app.router.lifespan_context(app)
