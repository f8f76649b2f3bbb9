"""The process that ``flood.py`` floods: 100 workers, HTTP beside them, and one who measures."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from typing import Any

from fluid import Worker, Workers
from fluid.http import ASGIServer, health_app
from fluid.http.gate import Limits
from fluid.rules.rate import RateLimit

from . import running_tree
from .idle import SETTLING, resident

WORKERS = 100
PERIOD = 0.01
GRACE = 0.5
SHUT = Limits(turns=RateLimit(0.5))


class Punctual(Worker):
    """Notes how late it wakes up."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while self.is_running():
            due = loop.time() + PERIOD
            await self.sleep(PERIOD)
            self.late.append((loop.time() - due) * 1000)

    def figures(self) -> dict[str, float]:
        """Returns how late it was, in milliseconds, and begins anew."""
        late, self.late = sorted(self.late), []
        at = len(late) / 100
        return {"p50": late[int(50 * at)], "p99": late[int(99 * at)], "most": late[-1]}


def tree(*more: Worker) -> Worker:
    """Returns 100 workers of all kinds and some more."""
    return Workers(*running_tree.of_all_kinds(WORKERS // 4), *more, name="app")


async def idle(seconds: float) -> None:
    """Idles, and says what that has cost."""
    app = tree()
    async with app, server_of(app, Limits()) as server:
        say(server.address[1])
        await asyncio.sleep(SETTLING)
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        share = (time.process_time() - cpu) / (time.perf_counter() - began)
        say(json.dumps({"cpu": 100 * share}))


async def flooded(quiet: float, flood: float, limits: Limits) -> None:
    """Measures how late a worker is, without a flood and with one; stops in the middle of it."""
    punctual = Punctual()
    app = tree(punctual)
    figures: dict[str, Any] = {}
    async with app:
        server = server_of(app, limits)
        await server.startup()
        say(server.address[1])
        await asyncio.sleep(SETTLING)
        punctual.late.clear()
        gc.collect()
        figures["cpu_before"] = await cpu_of(quiet)
        figures["quiet"] = punctual.figures()
        figures["memory_before"] = resident() / 2**20
        say("quiet")
        figures["cpu"] = await cpu_of(flood)
        figures["late"] = punctual.figures()
        figures["memory"] = resident() / 2**20
        figures["answered"] = (await server.status())["requests"] / flood
        began = time.perf_counter()
        await server.shutdown()
        figures["stop"] = time.perf_counter() - began
        figures["stop_bound"] = server.worker_stop_bound
    say(json.dumps(figures))


async def cpu_of(seconds: float) -> float:
    """Lets time pass; returns what the process has used of a core, in percent."""
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - began)


def server_of(app: Worker, limits: Limits) -> ASGIServer:
    """Returns a server such as that of ``fluid run --http``."""
    health = health_app(app)
    return ASGIServer(health, port=0, stopping_grace_period=GRACE, name="http", _limits=limits)


def say(what: object) -> None:
    """Tells the process that has started this one."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.getLogger("fluid.http").setLevel(logging.ERROR)  # what comes in is nonsense on purpose
    _, what, *seconds = sys.argv
    first, *more = map(float, seconds)
    if what == "idle":
        asyncio.run(idle(first))
    else:
        asyncio.run(flooded(first, more[0], SHUT if what == "shut" else Limits()))
