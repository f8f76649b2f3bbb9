"""A process that is looked at: by HTTP, from before its workers are there until they are gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from signal import SIGHUP, SIGTERM

import pytest

from fluid import Backoff, FluidValueError, Worker, run
from fluid.health import Health, Phase
from fluid.runtime.address import Address
from tests.runtime.playing import Life, Play, sends

pytestmark = pytest.mark.real

ANY_PORT = Address("127.0.0.1", 0)


@pytest.fixture
def play(factory):
    """Returns a function that makes a process with a server of its own."""

    def play(make, **settings):
        return Play(make, {"loop_factory": factory, "http": ANY_PORT, **settings})

    return play


def address_of(playing: Play) -> tuple[str, int]:
    """Returns where the process listens at present."""
    (server,) = playing.process._outside._server.workers()
    return server.address


async def ask(playing: Play, path: str) -> tuple[int, str]:
    """Returns the status and the first line of an answer."""
    reader, writer = await asyncio.open_connection(*address_of(playing))
    host = "{}:{}".format(*address_of(playing))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body.partition("\n")[0]


class Asked(Life):
    """Has its process asked how it is, in each part of its life."""

    def __init__(self, *acts, **options) -> None:
        super().__init__(*acts, **options)
        self.answers: list[tuple[str, int, int]] = []

    async def note(self, when: str) -> None:
        live, _ = await ask(self.playing, "/livez")
        ready, _ = await ask(self.playing, "/readyz")
        self.answers.append((when, live, ready))

    async def on_startup(self) -> None:
        await super().on_startup()
        await self.note("start")

    async def run(self) -> None:
        await asyncio.sleep(0)  # until the starter has heard of it
        await self.note("run")
        await super().run()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await self.note("end")


def asked(play, *acts, **settings) -> tuple[Play, Asked]:
    worker = Asked(*acts)
    worker.playing = play(lambda: worker, **settings)
    return worker.playing, worker


def test_the_server_is_there_before_the_workers_and_until_they_have_ended(play):
    """H03"""
    playing, worker = asked(play, sends(SIGTERM))
    assert playing.run() == (0, "")
    assert worker.answers == [("start", 200, 503), ("run", 200, 200), ("end", 200, 503)]


def test_readiness_is_gone_in_the_first_moment_of_a_stop(play):
    """H03, H04"""
    answers = []

    async def stop_and_ask(worker):
        sends(SIGTERM)()
        await asyncio.sleep(0)
        answers.append((worker.is_running(), *await ask(worker.playing, "/readyz")))

    playing, _ = asked(play, stop_and_ask, drain_delay=0.1)
    assert playing.run() == (0, "")
    assert answers == [(True, 503, "not ready: stopping")]


def test_whoever_tells_of_the_tree_knows_that_the_process_is_to_stop(play):
    seen = []

    async def stop_and_look(worker):
        child_health, root_health = Health(next(worker.workers())), Health(worker)
        seen.append((root_health.is_ready(), child_health.is_ready()))
        sends(SIGTERM)()
        await asyncio.sleep(0)
        seen.append((root_health.report().phase, child_health.is_ready(), worker.is_running()))

    playing, _ = asked(play, stop_and_look, drain_delay=0.05)
    assert playing.run() == (0, "")
    assert seen == [(True, True), (Phase.STOPPING, False, True)]


def test_the_server_stays_while_the_workers_are_restarted(play):
    addresses, worker_answers = [], []

    class Restarted(Asked):
        async def run(self) -> None:
            addresses.append(address_of(self.playing))
            await super().run()

        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            worker_answers.extend(self.answers)

    def make():
        worker = Restarted(*acts, diary=diary)
        worker.playing = playing
        return worker

    acts, diary = (sends(SIGHUP), sends(SIGTERM)), []
    playing = play(make)
    assert playing.run() == (0, "")
    assert len(addresses) == 2
    assert addresses[0] == addresses[1]
    one_life = [("start", 200, 503), ("run", 200, 200), ("end", 200, 503)]
    assert worker_answers == one_life * 2


def test_a_port_in_use_is_a_failed_start_with_one_line(play, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        diary = []
        playing = play(lambda: Life(diary=diary), http=Address("127.0.0.1", port))
        code, words = playing.run()
    assert (code, diary) == (3, [])
    assert words.startswith(
        f"app:main: exit code 3: it did not start (WorkerStartError: cannot listen on "
        f"127.0.0.1:{port}: the port is in use"
    )
    assert caplog.records == []


def test_a_missing_extra_is_told_with_what_installs_it(play, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("uvicorn", "fluid.http.s"))]:
        monkeypatch.delitem(sys.modules, name)
    for module in ("fluid.http", "fluid.runtime"):
        monkeypatch.delattr(f"{module}.server", raising=False)
    monkeypatch.delitem(sys.modules, "fluid.runtime.server", raising=False)
    monkeypatch.delattr("fluid.http.ASGIServer", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "uvicorn.config", None)
    code, words = play(Life).run()
    assert code == 2
    assert 'pip install "fluid-workers[http]"' in words


def test_a_server_that_dies_is_started_again_and_the_workers_go_on(play, caplog):
    """A12"""
    lives = []

    async def kill_the_server(worker):
        before = address_of(worker.playing)
        supervisor = worker.playing.process._outside._server
        supervisor._worker.backoff = Backoff(initial=0.01)
        (server,) = supervisor.workers()
        server._worker.life.task.cancel()
        while server.is_running():
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while True:
                try:
                    lives.append((before, await ask(worker.playing, "/readyz")))
                    break
                except (ConnectionError, TypeError):
                    await asyncio.sleep(0.002)
        sends(SIGTERM)()

    caplog.set_level(logging.CRITICAL, "fluid")
    playing, worker = asked(play, kill_the_server)
    assert playing.run() == (0, "")
    assert worker.diary == ["start", "end"]
    assert [answer for _, answer in lives] == [(200, "ok")]


def test_a_client_that_stalls_does_not_hold_the_stop(play):
    """A08"""

    async def stall(worker):
        sock = socket.create_connection(address_of(worker.playing))
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        await ask(worker.playing, "/livez")
        stalled.append(sock)
        sends(SIGTERM)()

    stalled = []
    playing, _ = asked(play, stall, deadline=float("inf"))
    assert playing.run() == (0, "")
    (sock,) = stalled
    with sock:
        assert sock.recv(100) == b""


def test_a_stop_during_the_start_of_the_server_is_a_clean_end(play, monkeypatch):
    async def slow(self):
        sends(SIGTERM)()
        await asyncio.sleep(30)

    monkeypatch.setattr("fluid.http.server.ASGIServer.on_startup", slow)
    diary = []
    assert play(lambda: Life(diary=diary)).run() == (0, "")
    assert diary == []


def test_nothing_listens_and_no_file_is_written_unless_it_was_asked_for(factory, monkeypatch):
    """A03"""
    opened = []
    monkeypatch.setattr(socket.socket, "listen", lambda *_: opened.append("socket"))
    monkeypatch.setattr(os, "replace", lambda *_: opened.append("file"))
    assert Play(lambda: Life(sends(SIGTERM)), {"loop_factory": factory}).run() == (0, "")
    assert opened == []


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        (":8080", "127.0.0.1", 8080),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:8080", "::1", 8080),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_is_a_port_or_a_host_and_a_port(text, host, port):
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "x", "1:2:3", "::1", "65536", "-1", "80 ", "²", "a:b", "[:1", "9" * 5000]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(FluidValueError, match="is not an address; write a port, from 0 to 65535"):
        Address.parse(text)
    with pytest.raises(FluidValueError, match="is not an address"):
        run(Never(), http=text)


class Never(Worker):
    async def run(self) -> None:
        raise AssertionError
