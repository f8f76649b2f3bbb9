"""What ends what: workers in an application, the application, and the server around it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from fluid import Worker, Workers
from fluid.health import Health, Phase
from fluid.http import lifespan
from fluid.http.probes import health_app
from fluid.runtime.afterwards import Afterwards
from fluid.runtime.signal_count import SignalCount
from tests.http.asking import Server, in_app
from tests.worker.fakes import worker_with

LIVED = ["on_startup", "run", "on_shutdown", ("normal shutdown", 0)]


@pytest.fixture
def sigterms() -> Iterator[list[int]]:
    """Returns the signals that come for a server that waits for them."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    yield heard
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Returns a function that returns what fluid's side of HTTP has logged."""
    return lambda: [r.getMessage() for r in caplog.records if r.name == "fluid.http"]


async def crash(_: Worker) -> None:
    await asyncio.sleep(1)
    raise OSError("gone")


async def finish(_: Worker) -> None:
    await asyncio.sleep(1)


async def test_workers_that_fail_have_the_server_stop_and_are_not_silent(sigterms, lines):
    worker = worker_with(run=crash, name="app")
    source = Health()
    probes = health_app(source)
    server = Server(Starlette(lifespan=lifespan(worker, health=source)))
    server.app.mount("/internal", probes)
    await server.start()
    assert (await server.ask("/internal/livez")).status == 200
    await asyncio.sleep(2)
    assert sigterms == [signal.SIGTERM]
    assert lines() == ["worker app ends while the application serves; the server is asked to stop"]
    reply = await server.ask("/internal/livez")
    assert (reply.status, reply.lines) == (503, ["not live", "app failed (OSError: gone)"])
    assert await server.stop() == "shutdown.failed"
    assert "OSError: gone" in server.words
    assert len(sigterms) == 1


async def test_workers_that_are_done_have_the_server_stop(sigterms):
    source = Health()
    async with in_app(worker_with(run=finish), health=source):
        await asyncio.sleep(2)
        assert sigterms == [signal.SIGTERM]
        assert source.report().phase is Phase.ENDED


async def test_workers_that_somebody_asks_to_stop_have_the_server_stop_at_once(sigterms):
    group = Workers()
    group.add_workers(worker_with(shutdown=lambda _: asyncio.sleep(3)))
    async with in_app(group):
        group.gracefully_stop()
        await asyncio.sleep(1)
        assert group.is_stopping()
        assert sigterms == [signal.SIGTERM]


async def test_a_child_that_ends_is_the_business_of_its_group(sigterms, lines):
    group = Workers()
    group.add_workers(worker_with(name="a"), worker_with(name="b", run=finish))
    async with in_app(group):
        await asyncio.sleep(0.5)
    assert not sigterms
    assert not lines()


async def test_workers_that_have_ended_as_soon_as_they_were_ready_are_noticed(sigterms):
    class Brief(Worker):
        async def startup(self) -> None:
            await super().startup()
            await self.wait_for_shutdown()

        async def run(self) -> None:
            pass

    async with in_app(Brief):
        await asyncio.sleep(1)
        assert sigterms == [signal.SIGTERM]


async def test_an_end_that_the_server_asks_for_is_no_news(sigterms, lines):
    async with in_app(worker_with()):
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    assert not sigterms
    assert not lines()


async def test_the_server_is_left_alone_where_that_is_wanted(sigterms, lines):
    async with in_app(worker_with(run=finish, name="app"), stop_server=False):
        await asyncio.sleep(2)
    assert not sigterms
    assert lines() == ["worker app ends while the application serves; requests go on without it"]


A_RUN_THAT_IS_OVER = Afterwards(signal.SIG_IGN, SignalCount())


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN, A_RUN_THAT_IS_OVER])
async def test_no_signal_is_sent_where_nobody_waits_for_it(handler, sigterms, lines):
    signal.signal(signal.SIGTERM, handler)
    async with in_app(worker_with(run=finish, name="app")):
        await asyncio.sleep(2)
    assert lines() == ["worker app ends while the application serves; requests go on without it"]


async def test_a_handler_that_raises_does_not_meet_the_worker_in_the_middle_of_a_turn(caplog):
    def handler(*_: object) -> None:
        raise ValueError("from the handler")

    before = signal.signal(signal.SIGTERM, handler)
    problems: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))
    worker = worker_with(run=finish)
    try:
        async with in_app(worker):
            await asyncio.sleep(2)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [str(problem) for problem in problems] == ["from the handler"]
    assert worker.diary == LIVED
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


# --- real servers -------------------------------------------------------------------------------


@pytest.mark.real
async def test_under_uvicorn_requests_end_first_and_then_the_workers(sigterms):
    asked, events = asyncio.Event(), list[str]()

    async def slow(request: Request) -> PlainTextResponse:
        asked.set()
        await asyncio.sleep(0.05)
        events.append(f"answered, ready: {request.state.workers.is_ready()}")
        return PlainTextResponse("done")

    async def note(_: Worker) -> None:
        events.append("workers stop")

    app = Starlette(lifespan=lifespan(worker_with(shutdown=note)))
    app.add_route("/slow", slow)
    async with under_uvicorn(app) as (server, client):
        answer = asyncio.ensure_future(client.get("/slow"))
        await asked.wait()
        signal.raise_signal(signal.SIGTERM)
        assert (await answer).text == "done"
        await server
    assert events == ["answered, ready: True", "workers stop"]


@pytest.mark.real
async def test_uvicorn_ends_when_the_workers_have(sigterms):
    broken = asyncio.Event()

    async def run(_: Worker) -> None:
        await broken.wait()
        raise OSError("gone")

    app = Starlette(lifespan=lifespan(worker_with(run=run)))
    async with under_uvicorn(app) as (server, _):
        broken.set()
        await server
    assert sigterms == [signal.SIGTERM]  # uvicorn passes on what it was stopped by


@asynccontextmanager
async def under_uvicorn(app: Any) -> AsyncIterator[tuple[asyncio.Task[None], httpx.AsyncClient]]:
    """Serves an application as the program ``uvicorn`` does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve([listener]))
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            while not server.started:
                await asyncio.sleep(0.001)
            yield serving, client


@pytest.mark.real
@pytest.mark.filterwarnings("ignore:Using `httpx`")  # it would like to have httpx2
def test_a_test_client_runs_the_workers_in_its_own_thread_and_is_sent_no_signal(sigterms, lines):
    from starlette.testclient import TestClient

    threads: list[threading.Thread] = []
    broken = threading.Event()

    async def run(worker: Worker) -> None:
        threads.append(threading.current_thread())
        while not broken.is_set():
            await asyncio.sleep(0.001)

    source = Health()
    app = FastAPI(lifespan=lifespan(lambda: worker_with(run=run), health=source))
    app.mount("/internal", health_app(source))
    with TestClient(app) as client:
        assert client.get("/internal/readyz").text == "ok\n"
        assert threads[0] is not threading.main_thread()
        broken.set()
        while client.get("/internal/livez").status_code == 200:
            pass
    assert source.report().phase is Phase.STOPPING
    assert not sigterms
    assert lines() == ["worker made ends while the application serves; requests go on without it"]
