"""A server with TLS: what its options name, and clients that do not take part in the end of it."""

from __future__ import annotations

import asyncio
import functools
import logging
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fluid import WorkerStartError, WorkerState
from fluid.http import serving
from tests.http.conftest import OK, App, Client
from tests.http.test_server import Server, server_of

pytestmark = pytest.mark.real

OPENSSL = shutil.which("openssl")

if OPENSSL is None:
    pytest.skip("there is no openssl to make a certificate with", allow_module_level=True)


@functools.cache
def key_and_certificate() -> tuple[str, str]:
    """Returns those of nobody, for localhost."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = ("-keyout", str(key), "-out", str(certificate))
        subprocess.run(
            [OPENSSL, "req", "-x509", *kind, *files, "-days", "2", "-subj", "/CN=localhost"],
            check=True,
            capture_output=True,
        )
        return key.read_text(), certificate.read_text()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, object]:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    for path, text in zip((key, certificate), key_and_certificate(), strict=True):
        path.write_text(text)
    return {"ssl_keyfile": str(key), "ssl_certfile": str(certificate)}


@pytest.fixture
def cut_off_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves nearly all of the grace to the end itself, however busy this machine is."""
    monkeypatch.setattr(serving, "LAST_PART", 0.999)


class Silent(asyncio.Protocol):
    """A client that speaks TLS by hand, and can be told to say no more."""

    def __init__(self) -> None:
        context = ssl.create_default_context(cadata=key_and_certificate()[1])
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.got = b""
        self.answered: asyncio.Event = asyncio.Event()
        self.ended: asyncio.Event = asyncio.Event()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.go_on()

    def data_received(self, data: bytes) -> None:
        self.incoming.write(data)
        if not self.answered.is_set():
            self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def go_on(self) -> None:
        try:
            if not self.got:
                self.tls.do_handshake()
                self.tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.got = b"\n"
            while not self.got.endswith(b"ok"):
                self.got += self.tls.read()
            self.answered.set()
        except ssl.SSLWantReadError:
            pass
        self.transport.write(self.outgoing.read())


@asynccontextmanager
async def silent(server: Server) -> AsyncIterator[Silent]:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(Silent, *server.address)
    await client.answered.wait()
    yield client
    transport.abort()
    await client.ended.wait()


async def test_options_of_tls_are_uvicorns(app: App, options, caplog) -> None:
    caplog.set_level(logging.INFO, "fluid.http")
    context = ssl.create_default_context(cadata=key_and_certificate()[1])
    async with server_of(app, options=options) as server:
        address = server.address
        opened = asyncio.open_connection(*address, ssl=context, server_hostname="localhost")
        client = Client(*await opened)
        client.ask()
        assert (await client.answer()).startswith(OK)
        await client.close()
    assert f"worker web listens on https://127.0.0.1:{address[1]}" in caplog.messages


async def test_client_that_takes_no_part_in_the_end_of_tls_does_not_hold_a_stop(
    app: App, options, cut_off_at_once
) -> None:
    server = server_of(app, options=options, grace=10)
    await server.startup()
    async with silent(server):
        await server.shutdown()
    assert server.worker_exit.state is WorkerState.STOPPED
    assert not server._worker.serving.guests.connections


async def test_connection_that_was_closing_when_the_stop_came_does_not_hold_it(
    app: App, options, cut_off_at_once
) -> None:
    server = server_of(app, options={**options, "timeout_keep_alive": 0}, grace=10)
    await server.startup()
    async with silent(server):
        (connection,) = server._worker.serving.guests.connections
        while not connection.transport.is_closing():
            await asyncio.sleep(0.001)
        await server.shutdown()
    assert server.worker_exit.state is WorkerState.STOPPED


async def test_file_that_is_missing_is_a_failed_start_and_named(app: App, options) -> None:
    options["ssl_keyfile"] = "/nowhere/key.pem"
    with pytest.raises(WorkerStartError, match=r"ssl_keyfile='/nowhere/key\.pem'.*No such file"):
        await server_of(app, options=options).startup()
    assert app.history == []
