"""Real processes for tests: a small program is started, told things, and watched to its end."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from textwrap import dedent
from typing import NamedTuple

import pytest

from tests.runtime.nursery import Child

LIMIT = 30.0
"""Seconds after which a process that has not ended is killed."""

PRELUDE = """
import asyncio, logging, os, signal, sys, threading, time
from math import inf
from fluid import QueueConsumerWorker, Worker, Workers, run
from fluid.runtime import signal_count, signals
def say(*words):  # at once, from anywhere: print() is not for signal handlers
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""

LOOPS = {
    "asyncio": "loop_factory = None",
    "uvloop": "from uvloop import new_event_loop as loop_factory",
}


class End(NamedTuple):
    """What became of a process."""

    code: int
    """Its exit code; -n if signal n killed it."""
    lines: list[str]
    """What it has printed."""
    errors: list[str]
    """What it has written to stderr, line by line."""


class Process:
    """A Python program that runs by itself."""

    def __init__(self, *parts: str, loop: str) -> None:
        self._lines: list[str] = []
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in end())
        self._child = Child(
            "\n".join(dedent(part) for part in parts),
            prelude=f"{PRELUDE}{LOOPS[loop]}\n",
            stderr=self._errors.fileno(),
        )
        self._killer = threading.Timer(LIMIT, self.kill)
        self._killer.start()

    def wait_for(self, awaited: str) -> None:
        """Reads what it prints until it prints this line."""
        for line in self._child.stdout:
            self._lines.append(line.rstrip("\n"))
            if self._lines[-1] == awaited:
                return
        pytest.fail(f"it never printed {awaited!r}: {self.end()}")

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """Kills it."""
        self._child.send_signal(signal.SIGKILL)

    def say(self, line: str) -> None:
        """Gives it a line to read from stdin."""
        self._child.stdin.write(f"{line}\n")
        self._child.stdin.flush()

    def stop_listening(self) -> None:
        """Closes the pipe that it prints to."""
        self._child.stdout.close()

    def end(self) -> End:
        """Waits for its end and returns what became of it."""
        stdin, stdout = self._child.stdin, self._child.stdout
        if not stdout.closed:
            self._lines += stdout.read().splitlines()
            stdout.close()
        code = self._child.wait()
        self._killer.cancel()
        stdin.close()
        self._errors.seek(0)
        errors = self._errors.read().splitlines()
        self._errors.close()
        return End(code, self._lines, errors)

    def clean_up(self) -> None:
        """Leaves nothing behind, however the test has ended."""
        if not self._errors.closed:
            self.kill()
            self.end()


@pytest.fixture(params=["asyncio", pytest.param("uvloop", id="uvloop")])
def loop(request: pytest.FixtureRequest) -> str:
    """Runs a test on each of the loops."""
    if request.param == "uvloop" and find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    return str(request.param)


@pytest.fixture
def factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns what makes that loop, in this process."""
    if loop == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return None


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Returns a function that starts a program, given in parts, on the loop of that name."""
    processes: list[Process] = []

    def start(*parts: str, loop: str = "asyncio") -> Process:
        processes.append(Process(*parts, loop=loop))
        return processes[-1]

    yield start
    for process in processes:
        process.clean_up()
