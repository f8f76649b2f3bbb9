"""How the processes that ``make signals`` kills tell how far they have come: marks in a pipe.

A mark is a word and the time, in one line, written once.
"""
# ruff: noqa: D102 - the hooks are those of every worker

from __future__ import annotations

import asyncio
import os
import time
from math import inf

from fluid import Pipeline, Worker, Workers, events

PIPE = "SIGNALS_PIPE"
"""The variable that has the descriptor to write to."""

MOMENT = 0.02
"""Seconds that each phase takes at least, so that some signals meet it."""

descriptor: int = int(os.environ.get(PIPE, "-1"))
told: set[str] = set()


def mark(word: str) -> None:
    """Says, once, that the process has come so far."""
    if word not in told and descriptor >= 0:
        told.add(word)
        os.write(descriptor, f"{word} {time.monotonic()}\n".encode())


class Root(Workers):
    """A group that tells when it is ready, when its end begins, and when that is over."""

    def __init__(self, *workers: Worker) -> None:
        mark("making")
        super().__init__(*workers, name="app")
        self.subscribe(self.heed)

    def heed(self, event: events.WorkerEvent) -> None:
        match event:
            case events.WorkerReady(path="app"):
                mark("ready")
            case events.WorkerStopping(path="app"):
                mark("stopping")

    def after_shutdown(self, reason: str, code: int) -> None:
        mark("ended")


class Stages(Root, Pipeline):
    """The same, from source to sink."""


class Marking(Worker):
    """A worker whose hooks say that they are called; its run is a misbehaviour."""

    async def on_startup(self) -> None:
        mark("starting")
        await asyncio.sleep(MOMENT)
        mark("started")

    async def run(self) -> None:
        mark("running")
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        mark("cleaning")
        await asyncio.sleep(MOMENT)


class Waiting(Worker):
    """A worker beside it, that tells nothing."""

    async def run(self) -> None:
        await self.sleep(inf)
