"""What virtual time cannot show: a process's memory, its warnings and limits, and real loops."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import fluid.testing
from benchmarks.cycles import ENDS, FAILURES, MOST_KIB, Cycle, growth
from tests.conftest import EAGER_TASKS, UVLOOP
from tests.scenarios.cast import Planned
from tests.scenarios.every_kind import every_kind

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def run(program: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own."""
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


# --- memory --------------------------------------------------------------------------------------


@contextmanager
def logging_to(handler: logging.Handler, level: int = logging.DEBUG) -> Iterator[None]:
    """Makes all that fluid logs go to ``handler``, and nowhere else."""
    logger = logging.getLogger("fluid")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


@pytest.mark.parametrize(
    "cycle",
    [ENDS["a group is stopped"], ENDS["a consumer is cut"], FAILURES["a group fails with a child"]],
    ids=["stopped", "cut", "failed"],
)
def test_cycle_after_cycle_takes_no_memory_and_nothing_else(cycle: Cycle):
    """L02, L10: ``python -m benchmarks.cycles`` does the same a million times."""
    with logging_to(logging.NullHandler(), logging.ERROR):
        grown = asyncio.run(growth(cycle, 600, warm_up=200))
    assert grown.kib < MOST_KIB
    assert grown._replace(kib=0) <= (0, 5, 0, 0, 0, 0), grown


# --- warnings, debug mode, other loops -----------------------------------------------------------


PROGRAM = """
import asyncio, logging
from tests.scenarios.every_kind import every_kind
logging.getLogger("fluid").disabled = logging.getLogger("fluid.worker").disabled = True
print(len(asyncio.run(every_kind())))
"""


@pytest.mark.parametrize("options", [[], ["-X", "dev"]], ids=["warnings", "dev mode"])
def test_workers_of_every_kind_give_no_cause_for_a_warning(options: list[str]):
    """L05, L06"""
    ended = run(PROGRAM, "-W", "error", *options, PYTHONASYNCIODEBUG="1" if options else "")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout) > 20


def runners() -> Iterator[pytest.ParameterSet]:
    """Yields every way there is to run a loop."""
    yield pytest.param({}, id="asyncio")
    yield pytest.param({"debug": True}, id="debug mode")
    if EAGER_TASKS:
        yield pytest.param({"loop_factory": eager_loop}, id="eager tasks")
    if UVLOOP:
        yield pytest.param({"loop_factory": import_module("uvloop").new_event_loop}, id="uvloop")


def eager_loop() -> asyncio.AbstractEventLoop:
    """Returns a loop on which tasks begin at once."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


@pytest.mark.parametrize("options", [*runners()])
def test_every_loop_gives_the_same_results(options: dict[str, Any]):
    """L09"""
    with asyncio.Runner(**options) as runner:
        told = runner.run(every_kind())
    assert told == fluid.testing.run(every_kind)


# --- limits --------------------------------------------------------------------------------------

LITTLE_MEMORY = """
import asyncio, logging, resource
from fluid import Worker, Workers

class Idle(Worker):
    async def run(self):
        await self.sleep(3600)

class Greedy(Idle):
    async def on_startup(self):
        self.memory = bytearray(1 << 30)

async def main():
    logging.disable()
    first, group = Idle(), None
    group = Workers(first, Greedy())
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), -1))
    try:
        await group.startup()
    except MemoryError:
        print(group.worker_state, first.worker_state)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_child_for_which_there_is_no_memory_fails_its_start_and_nothing_else():
    """L12"""
    assert run(LITTLE_MEMORY).stdout == "failed stopped\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_a_full_disk_under_the_log_is_no_concern_of_the_workers(capsys: pytest.CaptureFixture[str]):
    """L13"""
    handler = logging.FileHandler("/dev/full")
    with logging_to(handler):
        told = asyncio.run(every_kind())
    with suppress(OSError):
        handler.close()
    assert told[-1] == repr(Planned("on purpose"))
    assert "No space left on device" in capsys.readouterr().err
