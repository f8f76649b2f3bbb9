"""Keeps those who look on told how far a start or a stop is, as long as one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

from .. import tasks
from ..worker import Worker
from . import stages
from .stages import Stage, Waiting


class Audience(Protocol):
    """Who is told."""

    @property
    def period(self) -> float:
        """Seconds between two looks."""

    def stage(self, stage: Stage) -> None:
        """Is told, in the loop."""


class Progress:
    """One start or stop after the other; a quick one is over before anybody is told of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, audience: Audience) -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        self._audience: Audience = audience
        self._timer: asyncio.TimerHandle | None = None
        self._is_told: bool = False

    def begin(self, worker: Worker, verb: str, bound: float) -> None:
        """Begins a stage, and ends the one before."""
        since = self._loop.time()
        self._begin(lambda is_over: stages.read(worker, verb, since, bound, is_over=is_over))

    def begin_making(self, name: str, maker: asyncio.Task[None]) -> None:
        """Begins the stage in which there is no worker yet."""
        since = self._loop.time()

        def read(is_over: bool) -> Stage:
            seconds, stack = self._loop.time() - since, tasks.await_stack(maker)
            waiting = Waiting(name, "its function", seconds, stack)
            return Stage(stages.STARTING, name, seconds, inf, (waiting,), is_over)

        self._begin(read)

    def begin_draining(self, path: str, seconds: float) -> None:
        """Begins the stage in which work goes on although a stop has been asked for."""
        since = self._loop.time()

        def read(is_over: bool) -> Stage:
            elapsed = self._loop.time() - since
            return Stage(stages.DRAINING, path, elapsed, seconds, (), is_over)

        self._begin(read)

    def _begin(self, read: Callable[[bool], Stage]) -> None:
        self.end()
        self._read: Callable[[bool], Stage] = read
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
        self._timer = self._loop.call_later(self._audience.period, self._look)

    def _look(self) -> None:
        self._wait()
        self._is_told = True
        self._tell()

    def _tell(self, *, is_over: bool = False) -> None:
        self._audience.stage(self._read(is_over))
