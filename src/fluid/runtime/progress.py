"""Keeps the front told how far a start or a stop is, as long as one goes on."""

from __future__ import annotations

import asyncio

from .. import logs
from ..worker import Worker
from . import stages
from .front import Front


class Progress:
    """One start or stop after the other; a quick one is over before anybody is told of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, front: Front) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self._front: Front = front
        self._timer: asyncio.TimerHandle | None = None
        self._is_told: bool = False

    def begin(self, worker: Worker, verb: str, bound: float) -> None:
        """Begins a stage, and ends the one before."""
        self.end()
        self._worker, self._verb, self._bound = worker, verb, bound
        self._since: float = self._loop.time()
        self._wait()

    def end(self) -> None:
        """Ends the stage, if one goes on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if self._is_told:
                self._is_told = False
                self._tell(is_over=True)

    def _wait(self) -> None:
        self._timer = self._loop.call_later(self._front.period, self._look)

    def _look(self) -> None:
        self._wait()
        self._is_told = True
        self._tell()

    def _tell(self, *, is_over: bool = False) -> None:
        stage = stages.read(self._worker, self._verb, self._since, self._bound, is_over=is_over)
        logs.safely(self._front.stage, stage)  # its terminal may have gone
