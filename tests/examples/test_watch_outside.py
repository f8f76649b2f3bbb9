"""codesearch's watch as somebody sees it who operates it: by HTTP, and as systemd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.runtime.service_manager import Manager

ROOT = Path(__file__).parents[2]
TARGET = "examples.codesearch.watch:watch"
DRAIN = 0.5
PATIENCE = 20.0


class Watched:
    """One ``fluid run`` of the watcher, with everything on that there is to be seen by."""

    def __init__(self, folder: Path) -> None:
        (folder / "src").mkdir()
        (folder / "src/app.py").write_text("def fox(): ...\n")
        self.manager = Manager(str(folder / "notify"))
        self.port = free_port()
        clean = {name: each for name, each in os.environ.items() if not name.startswith("FLUID_")}
        options = ("--http", str(self.port), "--drain-delay", str(DRAIN))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fluid", "run", *options, TARGET, "--", "src"],
            cwd=folder,
            env={
                **clean,
                "PYTHONPATH": str(ROOT),
                "CODESEARCH_DB": str(folder / "index.db"),
                "NOTIFY_SOCKET": self.manager.address,
                "WATCHDOG_USEC": "200000",
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, path: str) -> tuple[int, str]:
        """Returns the status and the body of an answer; 0 while nobody listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionRefusedError:
            return 0, ""
        finally:
            connection.close()

    def until(self, status: int) -> list[int]:
        """Asks whether it is ready until it says ``status``; returns all that it has said."""
        said, latest = [], time.monotonic() + PATIENCE
        while (now := self.ask("/readyz")[0]) != status:
            said.append(now)
            assert time.monotonic() < latest, said
            time.sleep(0.002)
        return [*said, now]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.process.kill()
    watched.process.communicate()
    watched.manager.socket.close()


@pytest.mark.real
def test_probes_metrics_and_systemd_see_the_same_from_the_start_to_the_end(watched: Watched):
    """H03, H04, H08"""
    before = set(watched.until(200))
    assert before <= {0, 503, 200}
    metrics = watched.ask("/metrics")[1]
    families = {each.name: each for each in text_string_to_metric_families(metrics)}
    assert families["fluid_ready"].samples[0].value == 1
    names = {sample.labels["worker"] for sample in families["fluid_worker_ready"].samples}
    assert names >= {f"codesearch/index/{name}" for name in ("watcher", "parsers", "writer")}

    watched.process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    watched.until(503)
    assert time.monotonic() - sent < DRAIN  # long before any worker was asked
    assert watched.ask("/livez")[0] == 200
    _, log = watched.process.communicate(timeout=PATIENCE)
    assert watched.process.returncode == 0
    lines = log.splitlines()
    heard = next(number for number, line in enumerate(lines) if "SIGTERM: codesearch" in line)
    assert not any("is stopping" in line for line in lines[:heard])
    stopped = [line.split("worker ")[1].split()[0] for line in lines if " stopped after " in line]
    assert stopped[-3:] == ["codesearch", "fluid/http", "fluid"]

    said = watched.manager.heard()
    turns = [each for each in said if each.startswith(("READY", "STOPPING"))]
    assert [turn.partition("=")[0] for turn in turns] == ["READY", "STOPPING"]
    assert "STATUS=ready, 5 workers" in turns[0]
    until_ready = said[: said.index(turns[0])]
    assert not any("READY" in each for each in until_ready)
    assert any("WATCHDOG=1" in each for each in said)
