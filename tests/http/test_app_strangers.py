"""What the health application makes of what workers say, and of who asks."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fluid import Workers
from fluid.http.origin import LOCAL_NAMES, names_at
from fluid.http.probes import health_app
from tests.http.asking import ask
from tests.worker.fakes import raising, worker_with

PROBES = ["/livez", "/readyz", "/status"]


# --- what workers say ----------------------------------------------------------------------------

NASTY = 'a\n<script>"\\\x00\x1b[31m\x7f\x85\u2028\ud800/é'


async def test_what_workers_say_cannot_forge_a_line_or_end_a_string(caplog):
    """A09."""
    caplog.set_level(logging.CRITICAL, "fluid")  # no half of a pair may get into pytest's report
    worker = worker_with(run=raising(OSError(NASTY.partition("\n")[2])), name=NASTY)
    app = health_app(worker)
    with pytest.raises(OSError):
        async with worker:
            await asyncio.sleep(1)
    live = await ask(app, "/livez")
    assert len(live.lines) == 2
    assert live.body.decode().replace("\n", "").isprintable()
    status = await ask(app, "/status")
    assert status.body.decode("ascii").strip().isprintable()
    assert status.json["tree"]["name"] == NASTY


async def test_answers_are_bounded_whatever_workers_say():
    text = "x" * 1_000_000
    worker = worker_with(run=raising(OSError(text)), name=text)
    app = health_app(worker)
    with pytest.raises(OSError):
        async with worker:
            await asyncio.sleep(1)
    sizes = [len((await ask(app, path)).body) for path in PROBES]
    assert [size < limit for size, limit in zip(sizes, [1000, 1000, 10_000], strict=True)]
    assert all(len(each) < 600 for each in texts_of((await ask(app, "/status")).json))


def texts_of(value: object) -> list[str]:
    """Returns all texts in JSON-able data, keys included."""
    match value:
        case dict():
            return [text for pair in value.items() for each in pair for text in texts_of(each)]
        case list():
            return [text for each in value for text in texts_of(each)]
    return [str(value)]


async def test_the_status_of_a_huge_or_deep_tree_is_cut():
    """A10."""
    deep = worker_with(name="leaf")
    for _ in range(2000):
        (group := Workers(name="g")).add_workers(deep)
        deep = group
    wide = Workers(name="wide")
    wide.add_workers(*(worker_with(name=f"w{number}") for number in range(1100)))
    for tree in deep, wide:
        reply = await ask(health_app(tree), "/status")
        assert reply.status == 200
        assert len(reply.body) < 1_000_000


# --- who asks ------------------------------------------------------------------------------------

LINK = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
"""What a browser says when somebody follows a link."""

PAGES = [
    ({}, 200),
    ({"host": "10.0.0.7:8080", "user_agent": "kube-probe/1.34"}, 200),
    ({"host": "orders.shop.svc:8080"}, 200),
    ({"sec_fetch_site": "none"}, 200),
    ({"sec_fetch_site": "same-origin"}, 200),
    ({"sec_fetch_site": "same-site"}, 403),
    ({"sec_fetch_site": "cross-site"}, 403),
    ({"sec_fetch_site": "anything"}, 403),
    ({"sec_fetch_site": "cross-site", **LINK}, 200),
    ({"sec_fetch_site": "cross-site", **LINK, "origin": "http://evil.example"}, 403),
    ({"sec_fetch_site": "cross-site", **LINK, "sec_fetch_dest": "iframe"}, 403),
    ({"sec_fetch_site": "cross-site", **LINK, "sec_fetch_mode": "no-cors"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": ""}, 403),
    ({"origin": "http://127.0.0.1:8080", "sec_fetch_site": "same-origin"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), PAGES)
async def test_the_page_of_another_site_is_refused(headers: dict[str, str], status: int):
    """A07."""
    worker = worker_with()
    app = health_app(worker)
    async with worker:
        for path in *PROBES, "/metrics":
            for method in "GET", "HEAD":
                reply = await ask(app, path, method, **headers)
                assert reply.status == status
                assert "access-control-allow-origin" not in reply.headers


HOSTS = [
    ("localhost", 200),
    ("localhost:8080", 200),
    ("LocalHost.:8080", 200),
    ("127.0.0.1:8080", 200),
    ("10.0.0.7", 200),
    ("[::1]:8080", 200),
    ("", 200),
    ("evil.example", 403),
    ("evil.example:8080", 403),
    ("127.0.0.1.evil.example", 403),
    ("localhost.evil.example", 403),
    ("evil.example@localhost", 403),
    ("[evil.example]", 403),
]


async def test_metrics_are_those_of_the_tree_in_the_format_of_prometheus():
    from prometheus_client.parser import text_string_to_metric_families

    group = Workers(name="app")
    group.add_workers(worker_with(name="a"))
    async with group:
        reply = await ask(health_app(group), "/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    read = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
    assert [sample.value for sample in read["fluid_ready"].samples] == [1.0]


@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_where_names_are_given_a_request_has_to_use_one_of_them_or_an_address(
    host: str, status: int
):
    """A07: a name that was rebound to this machine."""
    app = health_app(worker_with(), hosts=["localhost"])
    assert (await ask(app, "/livez", host=host)).status == status
    assert (await ask(app, "/livez")).status == 200  # HTTP/1.0 has no Host


LISTENING = [
    *(("localhost", True), ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True)),
    *(("0.0.0.0", False), ("::", False), ("10.0.0.7", False), ("orders.internal", False)),
]


@pytest.mark.parametrize(("host", "is_local"), LISTENING)
def test_a_server_that_only_this_machine_can_reach_goes_by_its_own_names(host: str, is_local: bool):
    """A07."""
    assert names_at(host) == (LOCAL_NAMES if is_local else None)


async def test_names_are_given_in_any_case():
    app = health_app(worker_with(), hosts=["Orders.Internal"])
    assert (await ask(app, "/livez", host="orders.internal")).status == 200
