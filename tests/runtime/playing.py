"""``operate()`` in this process: as the command line calls it, but with the signals given back.

A signal is raised by the worker itself. There is no deadline, unless a test wants one: it would be
held at the exit of the tests.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass, field
from math import inf
from typing import Any

from fluid import Worker
from fluid.runtime.front import Front
from fluid.runtime.process import Process
from fluid.runtime.settings import Settings


@dataclass
class Audience(Front):
    """An operator who writes down all that there is to see."""

    stages: list[Any] = field(default_factory=list)
    words: str = ""
    period = 0.01

    def __post_init__(self) -> None:
        super().__init__()

    def stage(self, stage: Any) -> None:
        self.stages.append(stage)

    def last_words(self, text: str, code: int) -> None:
        self.words = text


@dataclass
class Play:
    """One process that is over, or not begun."""

    make: Any
    settings: dict[str, Any]
    audience: Audience = field(default_factory=Audience)
    code: int | None = None

    def __post_init__(self) -> None:
        options = {"deadline": inf, "stall_threshold": 0.0, **self.settings}
        self.process = Process(self.make, "app:main", Settings(**options), self.audience)

    @property
    def has_to_end(self) -> bool:
        """Whether the deadline runs."""
        return self.process._deadline.is_running

    def run(self) -> tuple[int, str]:
        """Runs it, and returns its code and its last words."""
        try:
            self.code = self.process.run()
        finally:
            self.process.let_go()
        return self.code, self.audience.words


class Life(Worker):
    """Calls the next of the functions in each of its lives, and then waits for a stop."""

    def __init__(self, *acts: Any, diary: list[str] | None = None, **options: Any) -> None:
        super().__init__(**{"name": "life", **options})
        self.acts = acts
        self.diary: list[str] = [] if diary is None else diary

    async def on_startup(self) -> None:
        self.diary.append("start")

    async def run(self) -> None:
        await act(self.acts, self.diary.count("start"), self)
        await self.sleep(inf)

    async def on_shutdown(self) -> None:
        self.diary.append("end")


async def act(acts: Any, number: int, worker: Worker) -> None:
    """Calls act ``number``, the first one being 1."""
    result = acts[number - 1](worker)
    if asyncio.iscoroutine(result):
        await result


def sends(*numbers: int) -> Any:
    """Returns an act in which the process gets signals."""

    def send(_: object = None) -> None:
        for number in numbers:
            signal.raise_signal(number)

    return send


def stop(worker: Worker) -> None:
    """Asks the root to stop."""
    while worker.worker_parent is not None:
        worker = worker.worker_parent
    worker.gracefully_stop()


def raises(error: BaseException) -> Any:
    """Returns an act that raises."""

    def fail(_: object = None) -> None:
        raise error

    return fail


def said_by_the_runtime(caplog: Any, level: int = logging.WARNING) -> list[str]:
    """Returns what the runtime has logged on this level."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "fluid.runtime" and record.levelno == level
    ]
