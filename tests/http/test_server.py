"""An application served as a worker: its start, its stop, and clients that do as they like."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fluid import (
    Backoff,
    FluidValueError,
    Supervisor,
    Worker,
    Workers,
    WorkerStartError,
    WorkerState,
)
from fluid.http import ASGIServer, entrance, serving
from fluid.http.gate import Limits
from fluid.rules.rate import RateLimit
from fluid.testing import LeakKind, leaks
from fluid.worker.supervision import ChildSpec
from tests.http.conftest import OK, App, asked, connect

pytestmark = pytest.mark.real

GRACE = 0.05
CYCLES = [LeakKind.GARBAGE]
"""uvicorn and h11 have connections that refer to themselves."""


class Server(ASGIServer):
    cancel_period = 0.02
    cleanup_period = 0.2


@pytest.fixture(params=[None, Limits()], ids=["open", "gated"])
def limits(request) -> Limits | None:
    return request.param


def server_of(app: App, limits: Limits | None = None, grace: float = GRACE, **options) -> Server:
    return Server(app, port=0, stopping_grace_period=grace, name="web", _limits=limits, **options)


async def until(happened) -> None:
    """Waits for something that has no event of its own."""
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def no_leaks() -> AsyncIterator[None]:
    """Fails if the block leaves anything; what uvloop keeps from the first server on is no leak."""
    first = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    first.close()
    await asyncio.sleep(0.001)
    async with leaks(ignore=CYCLES):
        yield


# --- serving -------------------------------------------------------------------------------------


async def test_it_serves_and_leaves_nothing_behind(app, limits) -> None:
    async with no_leaks():
        async with server_of(app, limits) as server:
            assert (await asked(server.address)).startswith(OK)
        assert app.history == ["up", "down"]
        assert server.worker_exit.reason == "normal shutdown"


async def test_connection_is_kept_and_asked_again(app, limits) -> None:
    async with server_of(app, limits) as server:
        client = await connect(server.address)
        for _ in range(3):
            client.ask()
            assert (await client.answer()).startswith(OK)
        await client.close()
        assert (await server.status())["requests"] == 3


async def test_answer_does_not_wait_until_the_client_has_acknowledged_its_head(app, limits) -> None:
    async with server_of(app, limits) as server:
        client = await connect(server.address)
        client.ask()
        assert (await client.answer()).startswith(OK)
        (connection,) = server._worker.serving.guests.connections
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await client.close()


async def test_status_tells_the_address_and_what_goes_on(app) -> None:
    server = Server(app, host="127.0.0.1", port=8000)
    assert (await server.status())["address"] == "127.0.0.1:8000"
    async with server_of(app) as server:
        client = await connect(server.address)
        client.ask("/hold")
        await until(lambda: "held" in app.history)
        status = await server.status()
        port = server.address[1]
        assert status | {"address": f"127.0.0.1:{port}", "connections": 1, "in_hand": 1} == status
        app.held.set()
        await client.answer()
        await client.close()


async def test_response_tells_the_time_of_day_and_what_options_say(app) -> None:
    headers = [("x-mine", "yes")]
    async with server_of(app, options={"headers": headers, "server_header": False}) as server:
        answer = await asked(server.address)
        assert b"\r\ndate: " in answer
        assert b"\r\nx-mine: yes\r\n" in answer
        assert b"server:" not in answer
    async with server_of(app, options={"date_header": False}) as server:
        assert b"date:" not in await asked(server.address)


async def test_it_takes_no_signals_and_configures_no_logging(app) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with server_of(app):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_line_in_the_log_says_where_it_listens(app, caplog) -> None:
    caplog.set_level(logging.INFO, "fluid.http")
    async with server_of(app) as server:
        assert f"worker web listens on http://127.0.0.1:{server.address[1]}" in caplog.messages


async def test_idle_server_wakes_nobody_up(app) -> None:
    loop = asyncio.get_running_loop()
    async with server_of(app, Limits()) as server:
        assert (await asked(server.address)).startswith(OK)
        await until(lambda: not server._worker.serving.guests.connections)
        gate = server._worker.serving._gate
        assert gate._timer is gate._next is None
        if hasattr(loop, "_scheduled"):
            assert [timer for timer in loop._scheduled if not timer.cancelled()] == []


@pytest.mark.parametrize("path", ["/crash", "/exit"])
async def test_request_that_fails_hurts_nobody_else(app, limits, path, caplog) -> None:
    async with server_of(app, limits) as server:
        assert (await asked(server.address, path)).startswith(b"HTTP/1.1 500")
        assert (await asked(server.address)).startswith(OK)
    assert server.worker_state is WorkerState.STOPPED


# --- bad values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", ["module:app", None, 5])
def test_what_is_no_application_is_refused(thing) -> None:
    with pytest.raises(FluidValueError, match=r"was given no application.*ASGIServer\(app\)"):
        ASGIServer(thing)


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("workers", "it sees to that by itself"),
        ("log_config", "it sees to that by itself"),
        ("limit_max_requests", "it sees to that by itself"),
        ("host", r"ASGIServer\(app, host=\.\.\.\)"),
        ("uds", "it listens at a host and a port only"),
    ],
)
def test_option_that_is_the_workers_own_affair_is_refused(app, option, instead) -> None:
    told = f"option '{option}' of uvicorn's is not for worker 'asgi_server': {instead}"
    with pytest.raises(FluidValueError, match=told):
        ASGIServer(app, options={option: 1})


async def test_option_that_uvicorn_cannot_use_fails_the_start_with_its_reason(app) -> None:
    with pytest.raises(WorkerStartError, match="cannot use the options that it was given:.*nope"):
        await server_of(app, options={"ws": "nope"}).startup()


def test_option_that_uvicorn_does_not_have_is_refused(app) -> None:
    with pytest.raises(FluidValueError, match="are not all uvicorn's.*'colour'"):
        ASGIServer(app, options={"colour": "red"})


def test_bad_address_is_refused(app) -> None:
    with pytest.raises(FluidValueError, match="port of worker 'asgi_server' is not"):
        ASGIServer(app, port=70_000)
    with pytest.raises(FluidValueError, match="host of worker 'asgi_server' is not"):
        ASGIServer(app, host="")


# --- starts that fail ----------------------------------------------------------------------------


async def test_port_in_use_is_a_failed_start_and_the_application_never_starts(app) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with no_leaks():
            server = Server(app, port=taken.getsockname()[1])
            with pytest.raises(WorkerStartError, match="cannot listen on .* port is in use"):
                await server.startup()
    assert server.worker_state is WorkerState.FAILED
    assert app.history == []


async def test_error_of_the_applications_start_is_raised_as_it_is(app) -> None:
    app.refuses_to_start = ValueError("no database")
    async with no_leaks():
        server = server_of(app)
        with pytest.raises(ValueError, match="no database"):
            await server.startup()
    with pytest.raises(OSError):
        await connect(server.address)


async def test_application_that_only_says_that_it_failed_fails_the_start() -> None:
    async def app(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "Traceback\nValueError: no\n"})
        await receive()  # and does not end

    async with no_leaks():
        with pytest.raises(WorkerStartError, match=r"^the application ValueError: no$"):
            await Server(app, port=0).startup()


@pytest.mark.parametrize("words", [None, "", " \n"])
async def test_application_that_does_not_say_why_it_failed_fails_the_start(words) -> None:
    async def app(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": words})

    with pytest.raises(WorkerStartError, match="^the application failed$"):
        await Server(app, port=0).startup()


async def test_application_without_a_lifespan_is_served() -> None:
    async def app(scope, receive, send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async with Server(app, port=0) as server:
        assert (await asked(server.address)).startswith(b"HTTP/1.1 204")
    with pytest.raises(AssertionError):
        await Server(app, port=0, options={"lifespan": "on"}).startup()


async def test_lifespan_that_is_switched_off_is_not_called(app) -> None:
    async with server_of(app, options={"lifespan": "off"}) as server:
        assert (await asked(server.address)).startswith(OK)
    assert app.history == []


async def test_state_of_the_lifespan_reaches_requests() -> None:
    async def app(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["name"] = "it"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await receive()
        else:
            assert scope["state"] == {"name": "it"}
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"ok"})

    async with Server(app, port=0) as server:
        assert (await asked(server.address)).startswith(OK)


async def test_stop_while_the_application_starts_cancels_it() -> None:
    begun, ended = asyncio.Event(), []

    async def app(scope, receive, send) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    async with no_leaks():
        server = Server(app, port=0)
        starting = asyncio.ensure_future(server.startup())
        await begun.wait()
        server.gracefully_stop()
        with pytest.raises(WorkerStartError):
            await starting
    assert ended == ["cancelled"]


async def test_where_an_application_hangs_in_its_start_is_told() -> None:
    async def app(scope, receive, send) -> None:
        await open_database()

    async def open_database() -> None:
        await asyncio.sleep(60)

    server = Server(app, port=0)
    server.start_timeout = 0.01
    with pytest.raises(WorkerStartError) as raised:
        await server.startup()
    assert any("open_database" in line for line in raised.value.stack)


# --- stops ---------------------------------------------------------------------------------------


async def test_stop_lets_a_request_end_and_takes_no_other(app, limits) -> None:
    async with no_leaks():
        server = server_of(app, limits, grace=5)
        await server.startup()
        client = await connect(server.address)
        client.ask("/hold")
        await until(lambda: "held" in app.history)
        stopping = asyncio.ensure_future(server.shutdown())
        await until(server.is_stopping)
        await asyncio.sleep(0.005)
        with pytest.raises(OSError):
            await connect(server.address)
        assert app.history == ["up", "held"]
        app.held.set()
        assert (await client.answer()).startswith(OK)
        await stopping
        await client.close()
    assert app.history == ["up", "held", "down"]
    assert server.worker_exit.state is WorkerState.STOPPED


CLIENTS = {
    "connected": b"",
    "half a request": b"GET / HTTP/1.1\r\nHo",
    "idle": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "half a body": b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nx",
    "never answered": b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n",
    "never read": b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n",
    "nonsense": b"\x00\x01\x02\r\n\r\n",
}


@pytest.mark.parametrize("sent", CLIENTS.values(), ids=CLIENTS)
async def test_no_client_holds_a_stop_for_longer_than_the_grace(app, limits, sent) -> None:
    async with no_leaks():
        loop = asyncio.get_running_loop()
        server = server_of(app, limits)
        await server.startup()
        client = await connect(server.address, limit=1)
        client.send(sent)
        await asyncio.sleep(0.01)
        began = loop.time()
        await server.shutdown()
        assert loop.time() - began < GRACE + 2 * server.cancel_period
        await client.close()
    assert app.history[-1] == "down"


async def test_half_a_body_is_no_reason_to_end_by_force(app, caplog, monkeypatch) -> None:
    monkeypatch.setattr(serving, "LAST_PART", 0.999)
    server = server_of(app, grace=10)
    await server.startup()
    client = await connect(server.address)
    client.send(CLIENTS["half a body"])
    await until(lambda: "reading" in app.history)
    await server.shutdown()
    assert app.history == ["up", "reading", "http.disconnect", "down"]
    assert server.worker_exit.state is WorkerState.STOPPED
    told = "worker web cut off 1 client that had not gone 0.01 seconds after the request to stop"
    assert told in caplog.messages
    await client.close()


async def test_request_that_still_runs_at_the_end_of_the_grace_is_cancelled(app, limits) -> None:
    async with no_leaks():
        server = server_of(app, limits)
        await server.startup()
        client = await connect(server.address)
        client.ask("/hold")
        await until(lambda: "held" in app.history)
        await server.shutdown()
        await client.close()
    assert app.history == ["up", "held", "/hold cancelled", "down"]
    assert server.worker_exit.state is WorkerState.FORCE_STOPPED


async def test_request_that_refuses_to_end_is_abandoned_within_the_bound(app, limits) -> None:
    loop = asyncio.get_running_loop()
    server = server_of(app, limits)
    await server.startup()
    client = await connect(server.address)
    client.ask("/stubborn")
    await until(lambda: "held" in app.history)
    began = loop.time()
    await server.shutdown()
    assert loop.time() - began < server.worker_stop_bound
    assert server.worker_exit.abandoned
    app.held.set()
    await until(lambda: app.history[-1] == "down")  # it cleans up when it can
    await client.close()


async def test_grace_of_zero_ends_requests_at_once(app) -> None:
    server = server_of(app, grace=0)
    await server.startup()
    client = await connect(server.address)
    client.ask("/hold")
    await until(lambda: "held" in app.history)
    await server.shutdown()
    assert "/hold cancelled" in app.history
    await client.close()


async def test_stop_by_force_ends_requests_at_once(app) -> None:
    server = server_of(app, grace=60)
    await server.startup()
    client = await connect(server.address)
    client.ask("/hold")
    await until(lambda: "held" in app.history)
    server._worker.force()
    await server.shutdown()
    assert server.worker_exit.state is WorkerState.FORCE_STOPPED
    assert app.history == ["up", "held", "/hold cancelled", "down"]
    await client.close()


@pytest.mark.parametrize("path", ["/hold", "/stubborn"])
async def test_foreign_cancel_ends_everything_in_bounded_time(app, limits, path) -> None:
    loop = asyncio.get_running_loop()
    server = server_of(app, limits, grace=60)
    await server.startup()
    client = await connect(server.address)
    client.ask(path)
    await until(lambda: "held" in app.history)
    began = loop.time()
    server._worker.life.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server.wait_for_shutdown()
    assert loop.time() - began < 3 * server.cancel_period + server.cleanup_period
    assert server.worker_exit.abandoned is (path == "/stubborn")
    app.held.set()
    await until(lambda: app.history[-1] == "down")
    await client.close()
    await asyncio.sleep(0.001)


async def test_error_of_the_applications_shutdown_fails_the_worker(app) -> None:
    app.refuses_to_stop = ValueError("cannot close")
    server = server_of(app)
    await server.startup()
    with pytest.raises(ValueError, match="cannot close"):
        await server.shutdown()


async def test_error_of_an_application_that_broke_while_requests_ended_fails_the_worker(
    app,
) -> None:
    async with no_leaks():
        server = server_of(app, grace=5)
        await server.startup()
        client = await connect(server.address)
        client.ask("/hold")
        await until(lambda: "held" in app.history)
        server.gracefully_stop()
        await until(server.is_stopping)
        app.breaks.set()
        await asyncio.sleep(0.005)
        app.held.set()
        assert (await client.answer()).startswith(OK)
        with pytest.raises(ValueError, match="broke"):
            await server.wait_for_shutdown()
        await client.close()


async def test_shutdown_of_an_application_has_the_cleanup_period() -> None:
    async def app(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.sleep(60)

    async with no_leaks():
        server = Server(app, port=0)
        server.cleanup_period = 0.01
        await server.startup()
        with pytest.raises(TimeoutError, match=r"cleanup period of 0\.01 seconds"):
            await server.shutdown()


async def test_application_that_breaks_while_it_is_served_ends_the_worker(app) -> None:
    async with no_leaks():
        server = server_of(app)
        await server.startup()
        app.breaks.set()
        with pytest.raises(ValueError, match="broke"):
            await server.wait_for_shutdown()
        with pytest.raises(OSError):
            await connect(server.address)


async def test_request_does_not_outlive_an_application_that_breaks(app) -> None:
    async with no_leaks():
        server = server_of(app)
        await server.startup()
        client = await connect(server.address)
        client.ask("/hold")
        await until(lambda: "held" in app.history)
        app.breaks.set()
        async with asyncio.timeout(5):
            with pytest.raises(ValueError, match="broke"):
                await server.wait_for_shutdown()
        await client.close()
    assert "/hold cancelled" in app.history


# --- lives ---------------------------------------------------------------------------------------


async def test_it_is_freed_when_it_has_ended(app) -> None:
    server = server_of(app)
    async with server:
        assert (await asked(server.address)).startswith(OK)
    there = weakref.ref(server)
    del server
    assert there() is None


async def test_port_is_free_again_at_once(app, limits) -> None:
    server = server_of(app, limits)
    await server.startup()
    client = await connect(server.address)
    client.ask()
    await client.answer()
    await server.shutdown()
    again = Server(app, port=server.address[1])
    async with again:
        assert (await asked(again.address)).startswith(OK)
    await client.close()


@pytest.mark.parametrize("fresh", [True, False])
async def test_server_that_dies_is_restarted_and_workers_notice_nothing(app, fresh) -> None:
    """A12."""

    class Neighbour(Worker):
        async def run(self) -> None:
            await self.sleep(60)

    neighbour = Neighbour()
    server = server_of(app)
    spec = ChildSpec(lambda: server_of(app)) if fresh else ChildSpec(server)
    supervisor = Supervisor(spec, name="fluid", backoff=Backoff(initial=0.001))
    async with Workers(neighbour, supervisor):
        (child,) = supervisor.workers()
        assert (await asked(child.address)).startswith(OK)
        life = child._worker.life
        life.task.cancel()
        await until(lambda: life.outcome is not None)
        await until(supervisor.is_ready)
        (child,) = supervisor.workers()
        assert (await asked(child.address)).startswith(OK)
        assert neighbour.worker_state is WorkerState.RUNNING
    assert app.history == ["up", "down", "up", "down"]


# --- the entrance of a server that has a gate ----------------------------------------------------


class Poor:
    """A socket that cannot accept for lack of descriptors, as long as that is so."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_poor = True
        self.tries = 0

    def fileno(self) -> int:
        return self.sock.fileno()

    def accept(self):
        self.tries += 1
        if self.is_poor:
            raise OSError(errno.EMFILE, "Too many open files")
        return self.sock.accept()

    def close(self) -> None:
        self.sock.close()


async def test_server_without_descriptors_pauses_and_goes_on_when_there_are_some(
    app, caplog, monkeypatch
) -> None:
    """L11."""
    monkeypatch.setattr(entrance, "PAUSE", 0.02)
    async with server_of(app, Limits()) as server:
        (opening,) = server._worker.serving._openings
        opening._sock = poor = Poor(opening._sock)
        asking = asyncio.ensure_future(asked(server.address))
        await until(lambda: poor.tries)
        await asyncio.sleep(0.01)
        assert poor.tries == 1
        poor.is_poor = False
        assert (await asking).startswith(OK)
    assert "no connection can be accepted ([Errno 24] Too many open files)" in caplog.messages


async def test_fifty_who_ask_at_the_same_moment_are_answered_within_a_probes_patience(app) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with server_of(app, Limits()) as server:
        answers = await asyncio.gather(*(asked(server.address) for _ in range(50)))
        assert all(answer.startswith(OK) for answer in answers)
    assert loop.time() - began < 1


async def test_flood_is_answered_at_the_rate_and_a_newcomer_at_once(app) -> None:
    """A08."""
    loop = asyncio.get_running_loop()
    limits = Limits(turns=RateLimit(200, burst=10))

    async def greedy() -> None:
        client = await connect(server.address)
        client.ask()
        while await client.answer():
            client.ask()
        await client.close()

    async with server_of(app, limits) as server:
        flood = [asyncio.ensure_future(greedy()) for _ in range(20)]
        await asyncio.sleep(0.1)
        began, before = loop.time(), server._worker.serving.guests.total_requests
        assert (await asked(server.address)).startswith(OK)
        waited = loop.time() - began
        await asyncio.sleep(0.1)
        answered = server._worker.serving.guests.total_requests - before
        passed = loop.time() - began
    await asyncio.wait(flood)
    assert waited < 0.2
    assert 0 < answered <= passed * 200 + 10
    assert server.worker_exit.state is WorkerState.STOPPED
