"""What the health application answers, and at what price for the workers."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from fluid import Backoff, ChildSpec, FluidValueError, Supervisor, Worker, WorkerFunction, Workers
from fluid.health import Health, Phase, Report, health
from fluid.http.probes import HealthApp, health_app
from tests.http.asking import ask
from tests.worker.fakes import raising, worker_with

PROBES = ["/livez", "/readyz", "/status"]
PATHS = [*PROBES, "/metrics"]
OTHERS = ["", "/", "/livez/", "/LIVEZ", "//livez", "/livez/x", "/status/../livez", "/healthz"]
METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", ""]


class Broken(Health):
    """Knows nothing, as long as it is broken."""

    is_broken = True

    def report(self) -> Report:
        if self.is_broken:
            raise ZeroDivisionError("a secret")
        return super().report()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Returns a list that grows with each look at a whole tree."""
    done: list[object] = []
    look: Callable[..., Any] = health.look
    monkeypatch.setattr(health, "look", lambda *args: done.append(args) or look(*args))
    return done


# --- routes -------------------------------------------------------------------------------------


async def test_nobody_can_do_anything_but_look():
    """A06."""
    app = health_app(worker_with())
    for path in PATHS:
        for method in METHODS:
            reply = await ask(app, path, method)
            assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    for path in OTHERS:
        for method in ["GET", "HEAD", *METHODS]:
            assert (await ask(app, path, method)).status == 404


async def test_an_unknown_path_is_told_what_there_is():
    reply = await ask(health_app(worker_with()), "/nowhere")
    assert reply.lines == ["not found", *(f"there is {path}" for path in PATHS)]


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
async def test_head_is_answered_as_get_is_without_the_body(path: str):
    app = health_app(worker_with())
    get, head = await ask(app, path), await ask(app, path, "HEAD")
    assert head == (get.status, get.headers, b"")
    assert int(head.headers["content-length"]) == len(get.body) > 0


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
async def test_no_answer_is_html_or_to_be_kept_or_to_be_guessed_at(path: str):
    """A09."""
    headers = (await ask(health_app(worker_with()), path)).headers
    assert headers["content-type"].partition(";")[0] in ("text/plain", "application/json")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PROBES)
async def test_a_query_changes_nothing(path: str):
    """A10: there is no number to give."""
    app = health_app(worker_with())
    assert await ask(app, f"{path}?limit=1000000000&depth=-1&verbose") == await ask(app, path)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/livez", ""),
        ("/in/livez", "/in"),
        ("/in/livez", "/in/"),
        ("/livez", "/in"),
        ("/livez", "/"),
        ("/livez", "/l"),
    ],
)
async def test_a_root_path_is_left_out_of_the_path_where_a_server_puts_it_in(path: str, root: str):
    assert (await ask(health_app(worker_with()), path, root=root)).lines == ["ok"]


async def test_a_root_path_is_no_prefix_of_another_name():
    assert (await ask(health_app(worker_with()), "/inn/livez", root="/in")).status == 404


@pytest.mark.parametrize("kind", ["Starlette", "FastAPI"])
async def test_it_can_be_mounted_in_the_users_own_application(kind: str):
    from fastapi import FastAPI
    from starlette.applications import Starlette

    app = {"Starlette": Starlette, "FastAPI": FastAPI}[kind]()
    app.mount("/internal", health_app(worker_with()))
    assert (await ask(app, "/internal/livez")).lines == ["ok"]
    assert (await ask(app, "/api/internal/livez", root="/api")).lines == ["ok"]
    assert (await ask(app, "/internal/nowhere")).lines[0] == "not found"
    assert (await ask(app, "/internal/livez", "POST")).status == 405
    assert (await ask(app, "/livez")).status == 404


async def test_a_server_may_start_and_stop_it():
    asked = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told: list[str] = []

    async def receive() -> Any:
        return asked.pop(0)

    async def send(message: Any) -> None:
        told.append(message["type"])

    await health_app(worker_with())({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_web_socket_is_refused():
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    await health_app(worker_with())({"type": "websocket", "path": "/livez"}, asyncio.Event, send)
    assert told == [{"type": "websocket.close"}]


# --- verdicts -----------------------------------------------------------------------------------


async def verdicts(app: Any) -> tuple[int, list[str]]:
    """Returns the status of /livez, and what /readyz says, with its status in front."""
    live, ready = await ask(app, "/livez"), await ask(app, "/readyz")
    return live.status, [str(ready.status), *ready.lines]


async def test_a_probe_says_what_a_worker_is_doing_in_each_part_of_its_life():
    opening, closing = asyncio.Event(), asyncio.Event()
    worker = worker_with(
        startup=lambda _: opening.wait(), shutdown=lambda _: closing.wait(), name="app"
    )
    app = health_app(worker)
    live, ready = await verdicts(app)
    assert (live, ready[:2]) == (200, ["503", "not ready: starting"])
    start = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1.5)
    starting = ["503", "not ready: starting", "app has been starting for 1.5 s"]
    assert await verdicts(app) == (200, starting)
    opening.set()
    await start
    assert await verdicts(app) == (200, ["200", "ok"])
    worker.gracefully_stop()
    assert await verdicts(app) == (200, ["503", "not ready: stopping", "app is stopping"])
    closing.set()
    await worker.wait_for_shutdown()
    assert (await ask(app, "/livez")).lines == ["not live", "app has ended (normal shutdown)"]
    assert (await ask(app, "/readyz")).lines[0] == "not ready: ended"


async def test_a_stop_takes_the_readiness_away_before_it_reaches_any_child():
    """H03."""
    group, closing = Workers(name="app"), asyncio.Event()
    group.add_workers(worker_with(name="a", shutdown=lambda _: closing.wait()))
    app = health_app(group)
    async with group:
        assert await verdicts(app) == (200, ["200", "ok"])
        group.gracefully_stop()
        live, ready = await verdicts(app)  # not one step of the loop is between the two
        assert (live, ready[:2]) == (200, ["503", "not ready: stopping"])
        closing.set()


async def test_a_process_that_is_to_stop_is_not_ready_while_its_workers_go_on():
    worker = worker_with(name="app")
    source = Health(worker)
    app = health_app(source)
    async with worker:
        for leaving in Phase.STOPPING, Phase.RESTARTING:
            source.leaving = leaving
            assert await verdicts(app) == (200, ["503", f"not ready: {leaving.value}"])


async def test_a_required_child_that_is_down_takes_the_readiness_and_an_optional_one_does_not():
    """H12."""
    needed, extra = asyncio.Event(), asyncio.Event()

    def child(name: str, crash: asyncio.Event, restart: str) -> ChildSpec:
        async def run(_: Worker) -> None:
            await crash.wait()
            crash.clear()
            raise OSError("gone")

        backoff = Backoff(initial=10, factor=1, jitter=0)
        return ChildSpec(lambda: worker_with(name=name, run=run), restart=restart, backoff=backoff)

    tree = Supervisor(
        child("db", needed, "permanent"), child("mail", extra, "transient"), name="app"
    )
    app = health_app(tree)
    async with tree:
        assert await verdicts(app) == (200, ["200", "ok"])
        extra.set()
        await asyncio.sleep(2)
        down = "restarts in 8.0 s, as it failed (OSError: gone)"
        assert await verdicts(app) == (200, ["200", "ok, degraded", f"app/mail {down}"])
        await asyncio.sleep(9)
        assert await verdicts(app) == (200, ["200", "ok"])
        needed.set()
        await asyncio.sleep(2)
        assert await verdicts(app) == (200, ["503", "not ready", f"app/db {down}"])
        await asyncio.sleep(9)
        assert await verdicts(app) == (200, ["200", "ok"])


async def test_a_tree_that_failed_is_not_live_and_says_why():
    worker = worker_with(run=raising(OSError("gone")), name="app")
    app = health_app(worker)
    with pytest.raises(OSError):
        async with worker:
            await asyncio.sleep(1)
    assert (await ask(app, "/livez")).lines == ["not live", "app failed (OSError: gone)"]
    assert (await ask(app, "/livez")).status == 503


async def test_a_health_without_a_worker_is_live_and_not_ready():
    app = health_app(Health(name="app"))
    assert await verdicts(app) == (200, ["503", "not ready: starting"])
    assert (await ask(app, "/status")).json["tree"] == {}


async def test_the_status_is_the_report_and_the_tree():
    group = Workers(name="app")
    group.add_workers(worker_with(name="a"), worker_with(name="b"))
    async with group:
        told = (await ask(health_app(group), "/status")).json
        assert told["health"] == Health(group).report().as_dict()
        assert told["health"]["workers"] == {"running": 3}
        assert [child["path"] for child in told["tree"]["children"]] == ["app/a", "app/b"]


# --- what it costs, and what it never does ------------------------------------------------------


async def test_ten_thousand_probes_take_a_few_looks_and_call_nobody(looks: list[object]):
    """H14."""
    asked: list[Worker] = []

    class Watched(WorkerFunction):
        async def status(self) -> dict[str, Any]:
            asked.append(self)
            return {}

        def workers(self) -> Any:
            asked.append(self)
            return super().workers()

        def is_ready(self) -> bool:
            asked.append(self)
            return True

    tree = Supervisor(*(Watched(forever_, heartbeat=inf, name=name) for name in "abc"), name="app")
    app = health_app(tree)
    async with tree:
        asked.clear()
        for second in range(10):
            for _ in range(250):
                for path in PROBES:
                    assert (await ask(app, path)).status == 200
            assert len(looks) == second + 1
            await asyncio.sleep(1)
        assert not asked


async def forever_() -> None:
    """Returns; its worker waits for its next turn."""


async def test_an_answer_is_made_once_from_one_look():
    app = health_app(worker_with())
    assert isinstance(app, HealthApp)
    assert await app._status() is await app._status()
    assert await app._status() is not await app._live()


async def test_all_who_ask_for_metrics_at_a_time_share_one_reading(monkeypatch: Any):
    readings: list[asyncio.Event] = []

    async def render(_: Health) -> bytes:
        readings.append(asyncio.Event())
        await readings[-1].wait()
        return b"reading %d\n" % len(readings)

    monkeypatch.setattr("fluid.metrics.render_in_turn", render)
    worker = worker_with()
    app = health_app(worker)
    async with worker:
        asking = [asyncio.ensure_future(ask(app, "/metrics")) for _ in range(100)]
        await asyncio.sleep(1)
        asking[0].cancel()  # it was the one for whom the others wait
        await asyncio.sleep(0)
        readings[-1].set()
        await asyncio.sleep(1)
        readings[-1].set()
        replies = await asyncio.gather(*asking[1:])
        assert {reply.body for reply in replies} == {b"reading 2\n"}
        assert len(readings) == 2


async def test_a_probe_does_not_wait_for_a_reading_of_metrics(monkeypatch: Any):
    monkeypatch.setattr("fluid.metrics.render_in_turn", lambda _: asyncio.sleep(inf))
    app = health_app(worker_with())
    asking = asyncio.ensure_future(ask(app, "/metrics"))
    await asyncio.sleep(1)
    assert (await ask(app, "/livez")).status == 200
    asking.cancel()


async def test_a_stop_does_not_wait_for_the_next_look():
    worker = worker_with()
    app = health_app(worker)
    async with worker:
        for path in PROBES:
            await ask(app, path)
        worker.gracefully_stop()
        assert (await ask(app, "/readyz")).status == 503
        assert (await ask(app, "/status")).json["health"]["phase"] == "stopping"


async def test_it_keeps_its_tree_as_long_as_somebody_has_it_and_no_longer():
    worker = worker_with(name="app")
    app = health_app(worker)
    async with worker:
        for path in PATHS:
            await ask(app, path)
    ended, left = weakref.ref(worker), weakref.ref(app)
    del worker
    assert (await ask(app, "/readyz")).lines[0] == "not ready: ended"
    del app
    gc.collect()
    assert ended() is None
    assert left() is None


# --- errors -------------------------------------------------------------------------------------


async def test_a_probe_that_cannot_be_answered_is_500_and_logged_once(caplog: Any):
    source = Broken(worker_with())
    app = health_app(source)
    for _ in range(3):
        reply = await ask(app, "/livez")
        assert (reply.status, reply.lines) == (500, ["this cannot be answered; the log says why"])
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    source.is_broken = False
    assert (await ask(app, "/livez")).status == 200
    source.is_broken = True
    assert (await ask(app, "/livez")).status == 500
    assert len(caplog.records) == 2


async def test_what_fails_is_logged_once_though_another_probe_is_answered(caplog, monkeypatch):
    monkeypatch.setattr("fluid.metrics.render_in_turn", raising(OSError("broken")))
    app = health_app(worker_with())
    for _ in range(3):
        assert (await ask(app, "/metrics")).status == 500
        assert (await ask(app, "/livez")).status == 200
    assert [record.getMessage() for record in caplog.records] == ["/metrics cannot be answered"]


WRONG = [
    (
        lambda: worker_with(),
        "share a Health with whoever calls it:  lifespan(build, health=health)",
    ),
    (Workers, "this is not a worker: class Workers; make one:  Workers()"),
    (None, "this is not a worker: None"),
    (42, "this is not a worker: 42"),
]


@pytest.mark.parametrize(("subject", "lesson"), WRONG)
def test_what_is_no_worker_is_refused_with_the_way_out(subject: Any, lesson: str):
    with pytest.raises(FluidValueError) as caught:
        health_app(subject)
    assert lesson in str(caught.value)


def test_a_text_is_no_list_of_names():
    with pytest.raises(FluidValueError, match=r"not a list of names but a text: 'localhost'"):
        health_app(worker_with(), hosts="localhost")
