"""What a health server costs the workers beside it: asked once a second, and flooded.

The process has 100 workers of all kinds, and HTTP beside them, as ``fluid run --http`` has it. One
worker more measures how late it wakes up: every 10 ms, by the loop's clock.

The flood comes from another process, which must not share a core with the first for the figures to
mean anything: 10,000 requests a second, on 100 connections that are kept, each of which asks again
when it has its answer; 1,000 connections that have sent half a request and nothing more; and 20
requests a second that are nonsense. Meanwhile somebody asks from this process, on a new connection
each time, as a kubelet does. The stop comes in the middle of it.

Such a flood costs the machine as well as the server. So what is said of lateness is compared with
the same flood on a process whose server answers one request in two seconds; the rest with the same
process before the flood, and the stop with what it may take.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from statistics import median
from typing import Any

from . import idle
from .pairs import ROOT, Plan
from .result import Result, Target, fluid_at_most

QUIET = 5.0
FLOOD = 10.0
AFTER = 3.0
"""Seconds for which the flood goes on after the server was asked to stop, if it can."""
IDLE = 10.0
LEAST = 4
"""What all of these are at the least, in times of what idling takes."""
PAIRS = 3

PROBE_PERIOD = 0.25
LONGEST_WAIT = 2.0
"""Seconds after which a probe gives up."""
PROBE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

UNMOVED = Target("fluid <= other + 1 ms", lambda result: result.fluid <= result.other + 1)
HARDLY_MOVED = Target("fluid <= other + 2 ms", lambda result: result.fluid <= result.other + 2)
"""Two of a wake-up's steps may have a new connection before them, and a turn of another."""
FLAT = Target("fluid <= other + 8 MiB", lambda result: result.fluid <= result.other + 8)
IN_TIME = Target("fluid <= other", lambda result: result.fluid <= result.other)


def results(plan: Plan) -> Iterator[Result]:
    """Measures the idle process first, then the flood."""
    seconds = max(IDLE * plan.scale, LEAST * idle.LEAST_SECONDS)
    cpu = plan.alternate(lambda: scraped(seconds), lambda: 0.0, pairs=PAIRS)
    yield Result("CPU, idle, scraped every second", "%", cpu, fluid_at_most(0.5, "%"))
    both = plan.alternate(
        lambda: flooded(plan.scale), lambda: flooded(plan.scale, shut=True), pairs=PAIRS
    )
    for part, target in (("p50", UNMOVED), ("p99", HARDLY_MOVED), ("most", None)):
        late = [(flood["late"][part], shut["late"][part]) for flood, shut in both]
        yield Result(f"lateness of a worker, {part}, flooded", "ms", late, target)
        quiet = [(flood["quiet"][part], shut["quiet"][part]) for flood, shut in both]
        yield Result("  without a flood", "ms", quiet)
    yield from _of_floods([flood for flood, _ in both])


def _of_floods(floods: list[dict[str, Any]]) -> Iterator[Result]:
    memory = [(flood["memory"], flood["memory_before"]) for flood in floods]
    yield Result("memory, flooded", "MiB", memory, FLAT)
    yield Result("  CPU", "%", [(flood["cpu"], flood["cpu_before"]) for flood in floods])
    stops = [(flood["stop"] * 1000, flood["stop_bound"] * 1000) for flood in floods]
    yield Result("  the stop, and its bound", "ms", stops, IN_TIME)
    offered = [(flood["answered"], flood["offered"]) for flood in floods]
    yield Result("  answered, and offered", "/s", offered)
    waits = [(median(flood["waits"]), flood["waits"][-1]) for flood in floods]
    yield Result("  wait of a probe, median and most", "ms", waits)
    lost = [(flood["lost"], len(flood["waits"])) for flood in floods]
    yield Result("  probes without an answer, of all", "", lost, fluid_at_most(0, ""))


# --- two processes, and this one -----------------------------------------------------------------


def scraped(seconds: float) -> float:
    """Returns the CPU time of a process that is scraped every second, in percent of a core."""
    with _server("idle", seconds) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ask(port, SCRAPE)
            time.sleep(min(1.0, seconds))
        return float(json.loads(server.stdout.readline())["cpu"])


def flooded(scale: float, *, shut: bool = False) -> dict[str, Any]:
    """Floods a process; returns what both of them and the probes say."""
    least = LEAST * idle.LEAST_SECONDS
    quiet, flood = max(QUIET * scale, least), max(FLOOD * scale, least)
    with _server("shut" if shut else "flooded", quiet, flood) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        server.stdout.readline()  # it has measured the quiet
        began = time.monotonic()
        arguments = (sys.executable, "-m", "benchmarks.flood_client", str(port))
        client = subprocess.Popen(
            (*arguments, str(flood + min(AFTER, flood))),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        waits: list[float] = []
        while not shut:
            waits.append(ask(port, PROBE))
            time.sleep(PROBE_PERIOD)
            if time.monotonic() > began + flood - LONGEST_WAIT:
                break
        told, _ = server.communicate()
        counted, _ = client.communicate()
    answered = sorted(wait for wait in waits if wait < inf)
    return {
        **json.loads(told),
        **json.loads(counted),
        "waits": answered or [LONGEST_WAIT * 1000],
        "lost": len(waits) - len(answered),
    }


def _server(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.flood_server", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(port: int, request: bytes) -> float:
    """Asks once, on a new connection; returns the milliseconds, or infinity for no answer."""
    began = time.perf_counter()
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT) as sock,
    ):
        sock.sendall(request)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        if answer.startswith(b"HTTP/1.1 200"):
            return (time.perf_counter() - began) * 1000
    return inf
