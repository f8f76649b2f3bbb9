"""How ``examples/web`` takes orders: workers in an application, and an application as a worker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn.importer import import_from_string

from examples.web import service, shop, worker
from examples.web.shop import FILE_VARIABLE, Ledger
from tests.http.asking import Reply, Server

TEA = {"item": "tea", "quantity": 2}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "orders.db"))
    return tmp_path / "orders.db"


def booked(file: Path) -> set[str]:
    """Returns the numbers of the orders in a ledger's file."""
    orders = sqlite3.connect(file)
    try:
        return {number for (number,) in orders.execute("SELECT id FROM orders")}
    finally:
        orders.close()


@asynccontextmanager
async def opened() -> AsyncIterator[Server]:
    """Runs the service as its server does."""
    server = Server(service.app)
    assert await server.start() == "startup.complete"
    yield server
    assert await server.stop() == "shutdown.complete"


async def order(server: Server) -> Reply:
    return await server.ask("/orders", "POST", body=TEA)


async def test_an_order_is_accepted_at_once_and_booked_soon(file: Path):
    async with opened() as server:
        reply = await order(server)
        assert (reply.status, reply.json["state"]) == (202, "accepted")
        path = f"/orders/{reply.json['id']}"
        assert (await server.ask(path)).json == {**reply.json, **TEA}
        await asyncio.sleep(1)
        assert (await server.ask(path)).json == {**reply.json, **TEA, "state": "booked"}


async def test_no_accepted_order_is_lost_by_a_stop(file: Path):
    async with opened() as server:
        replies = [await order(server) for _ in range(150)]
        assert not booked(file)
    assert booked(file) == {reply.json["id"] for reply in replies}


async def test_no_accepted_order_is_lost_while_the_file_cannot_be_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    write, failures = Ledger._write, iter("abc")

    def sometimes(ledger: Ledger, orders: Any) -> None:
        if next(failures, None):
            raise sqlite3.OperationalError("disk I/O error")
        write(ledger, orders)

    monkeypatch.setattr(Ledger, "_write", sometimes)
    async with opened() as server:
        reply = await order(server)
        await asyncio.sleep(1)
        assert (await server.ask(f"/orders/{reply.json['id']}")).json["state"] == "accepted"
        await asyncio.sleep(5)
        assert booked(file) == {reply.json["id"]}


async def test_an_order_that_cannot_be_booked_is_not_accepted_for_ever(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    def never(ledger: Ledger, orders: Any) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr(Ledger, "_write", never)
    async with opened() as server:
        reply = await order(server)
        await asyncio.sleep(5)  # the ledger has failed, and is back
        assert (await server.ask(f"/orders/{reply.json['id']}")).status == 404


async def test_who_comes_when_there_is_no_room_is_asked_to_come_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shop, "MOST_WAITING", 100)
    async with opened() as server:
        ledger = server.state["workers"].ledger
        ledger.pause()
        replies = [await order(server) for _ in range(101)]
        assert {reply.status for reply in replies[:100]} == {202}
        assert (replies[100].status, replies[100].headers["retry-after"]) == (503, "1")
        ledger.resume()
        await asyncio.sleep(1)
        assert (await order(server)).status == 202


async def test_who_comes_when_the_ledger_stops_is_asked_to_come_back(file: Path):
    async with opened() as server:
        server.state["workers"].gracefully_stop()
        await asyncio.sleep(0.1)
        assert (await order(server)).status == 503
        assert (await server.ask("/orders/1")).status == 503


async def test_an_order_that_is_none_is_refused_and_one_that_is_unknown_not_found(file: Path):
    async with opened() as server:
        assert (await server.ask("/orders", "POST", body={"item": "tea"})).status == 422
        assert (await server.ask("/orders/1")).status == 404


async def test_it_runs_and_is_asked_as_its_docstring_says(file: Path):
    text = service.__doc__ or ""
    where = re.search(r"``uvicorn (.*)``", text)
    posted = re.search(r"curl --json '(.*)' http://127.0.0.1:8000(.*)\n", text)
    asked = re.search(r"curl http://127.0.0.1:8000(.*)\n", text)
    assert where is not None
    assert posted is not None
    assert asked is not None
    assert import_from_string(where[1]) is service.app
    async with opened() as server:
        assert (await server.ask(posted[2], "POST", body=json.loads(posted[1]))).status == 202
        assert (await server.ask(asked[1])).status == 200


async def test_probes_are_answered_beside_the_orders(file: Path):
    async with opened() as server:
        assert (await server.ask("/internal/readyz")).lines == ["ok"]
        tree = (await server.ask("/internal/status")).json["tree"]
        assert [child["path"] for child in tree["children"]] == ["shop/ledger"]


# --- the other way round ------------------------------------------------------------------------


def command(port: int) -> list[str]:
    """Returns the command in the docstring, with another port."""
    found = re.search(r"``fluid (run .* -- )8000``", worker.__doc__ or "")
    assert found is not None
    return [sys.executable, "-m", "fluid", *found[1].split(), str(port)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.real
def test_no_accepted_order_is_lost_when_the_process_of_the_other_way_round_is_stopped(file: Path):
    port = free_port()
    process = subprocess.Popen(command(port), stderr=subprocess.PIPE, env=os.environ, text=True)
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert process.stderr is not None
        for line in process.stderr:
            if "worker shop is ready" in line:
                break
        replies = [client.post("/orders", json=TEA) for _ in range(20)]
        process.send_signal(signal.SIGTERM)
        with suppress(httpx.TransportError):  # as the server has gone
            while True:
                replies.append(client.post("/orders", json=TEA))
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    accepted = {reply.json()["id"] for reply in replies if reply.status_code == 202}
    assert len(accepted) >= 20
    assert booked(file) >= accepted
