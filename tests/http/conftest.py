"""Applications to serve, and raw clients that may do anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from fluid.http.asgi import Message, Receive, Scope, Send

OK = b"HTTP/1.1 200 "


@pytest.fixture(autouse=True)
def uvicorn_as_it_was() -> Iterator[None]:
    """Notices if a test has left uvicorn's loggers otherwise than they were."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    before = [(log.level, log.propagate, [*log.handlers]) for log in loggers]
    yield
    assert [(log.level, log.propagate, [*log.handlers]) for log in loggers] == before


class App:
    """An application whose requests do what their path says, and that notes what happens to it."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self.held: asyncio.Event = asyncio.Event()
        self.refuses_to_start: BaseException | None = None
        self.refuses_to_stop: BaseException | None = None
        self.breaks: asyncio.Event = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        try:
            await self.answer(scope["path"], receive, send)
        except asyncio.CancelledError:
            self.history.append(f"{scope['path']} cancelled")
            raise

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self.refuses_to_start is not None:
            await send({"type": "lifespan.startup.failed", "message": "a\nlong story"})
            raise self.refuses_to_start
        self.history.append("up")
        await send({"type": "lifespan.startup.complete"})
        told, broken = asyncio.ensure_future(receive()), asyncio.ensure_future(self.breaks.wait())
        try:
            await asyncio.wait([told, broken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            broken.cancel()
        if self.breaks.is_set():
            raise ValueError("broke")
        if self.refuses_to_stop is not None:
            raise self.refuses_to_stop
        self.history.append("down")
        await send({"type": "lifespan.shutdown.complete"})

    async def answer(self, path: str, receive: Receive, send: Send) -> None:
        match path:
            case "/hold":
                self.history.append("held")
                await self.held.wait()
            case "/body":
                self.history.append("reading")
                while (message := await receive())["type"] == "http.request" and message[
                    "more_body"
                ]:
                    pass
                self.history.append(message["type"])
            case "/stubborn":
                self.history.append("held")
                while not self.held.is_set():
                    try:
                        await self.held.wait()
                    except asyncio.CancelledError:
                        self.history.append("refused")
            case "/endless":
                await begin(send, b"text/plain")
                self.history.append("streaming")
                while True:
                    await send(
                        {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
                    )
                    await asyncio.sleep(0)
            case "/crash":
                raise ValueError("in the handler")
            case "/exit":
                raise SystemExit(3)
        await begin(send, b"text/plain", (b"content-length", b"2"))
        await send({"type": "http.response.body", "body": b"ok"})


async def begin(send: Send, kind: bytes, *headers: tuple[bytes, bytes]) -> None:
    start: Message = {"type": "http.response.start", "status": 200}
    await send({**start, "headers": [(b"content-type", kind), *headers]})


@pytest.fixture
def app() -> App:
    return App()


class Client:
    """A connection, and what may be done with one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def ask(self, path: str = "/", *headers: str) -> None:
        self.send("\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *headers, "", "")).encode())

    async def answer(self) -> bytes:
        """Returns one answer that ends with ``ok``, or what came before the connection closed."""
        got = b""
        try:
            while not got.endswith(b"\r\n\r\nok") and (more := await self.reader.read(65536)):
                got += more
        except ConnectionError:
            pass
        return got

    async def closed(self) -> None:
        """Waits until the other side closes, whatever it sends before."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(address: tuple[str, int], **options: Any) -> Client:
    """Connects to a server."""
    return Client(*await asyncio.open_connection(*address, **options))


async def asked(address: tuple[str, int], path: str = "/", *headers: str) -> bytes:
    """Asks once, on a connection of its own, and returns the answer."""
    client = await connect(address)
    client.ask(path, "Connection: close", *headers)
    try:
        return await client.answer()
    finally:
        await client.close()
