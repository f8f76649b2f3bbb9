"""A server under everything that can happen to a worker: without sockets, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from fluid.http import ASGIServer, listening, serving
from fluid.http.asgi import Receive, Scope, Send
from fluid.testing import stress

REQUESTS = 2


class Socket:
    """A socket that nobody connects to."""

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 80)

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Starts and stops in several steps."""
    await receive()
    await asyncio.sleep(0.1)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(0.1)
    await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a server handle a few requests that nobody has sent."""

    async def bind(host: str, port: int) -> list[Socket]:
        await asyncio.sleep(0)
        return [Socket()]

    async def handle(self: serving.Serving, sock: Socket) -> None:
        for number in range(REQUESTS):
            task = asyncio.get_running_loop().create_task(asyncio.sleep(number))
            task.add_done_callback(self.guests.tasks.discard)
            self.guests.tasks.add(task)

    monkeypatch.setattr(listening, "bind", bind)
    monkeypatch.setattr(serving.Serving, "_open", handle)


@pytest.mark.parametrize("grace", [0, 0.5, 10])
def test_server_keeps_what_every_worker_promises(grace: float) -> None:
    tally = stress(lambda: ASGIServer(app, stopping_grace_period=grace), seeds=20)
    assert tally.schedules > 20
