"""A folder with a user's project in it, and the command line, in the process of the tests."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from fluid.cli import ending, main

APP = """
import asyncio
import io
from fluid import Worker, Workers

class Cache(Worker):
    async def run(self):
        await self.sleep(60)

async def make(*names) -> Workers:
    asyncio.get_running_loop()
    return Workers(Cache(), *(Cache(name=name) for name in names), name="app")

def make_loop():
    return asyncio.new_event_loop()

def make_none():
    return None

def make_nothing():
    raise OSError("no descriptors")

loop = 3
"""


class End(NamedTuple):
    """What became of a command."""

    code: int
    """Its exit code."""
    lines: list[str]
    """What it has printed."""
    errors: list[str]
    """What it has written to stderr, line by line."""


class Project:
    """A folder with a user's code."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder

    def write(self, name: str, text: str) -> Path:
        """Writes a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), "utf-8")
        importlib.invalidate_caches()
        return path

    def configure(self, text: str) -> Path:
        """Writes ``[tool.fluid]`` of pyproject.toml."""
        return self.write("pyproject.toml", f"[tool.fluid]\n{dedent(text)}")

    def fluid(self, *words: str, encoding: str = "utf-8") -> End:
        """Executes a command line."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            main(words)
        return End(end.value.code, _lines(out), _lines(err))


def _lines(stream: io.TextIOWrapper) -> list[str]:
    stream.seek(0)
    return stream.read().splitlines()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Goes to an empty folder, without any variable of fluid's; leaves no module behind."""
    for name in [name for name in os.environ if name.startswith("FLUID_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLUID_STOPPING_GRACE_PERIOD", "1")
    monkeypatch.delenv("FLUID_STOPPING_GRACE_PERIOD")  # so that what a command sets is undone
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    # A thread that any test has left behind would have the process of the tests ended.
    monkeypatch.setattr(ending, "hold", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    known, handler = set(sys.modules), signal.getsignal(signal.SIGINT)
    yield Project(tmp_path)
    signal.signal(signal.SIGINT, handler)
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def app(project: Project) -> Project:
    """A project with a module ``app``, unless the module of the test has one of its own."""
    project.write("app.py", APP)
    return project
