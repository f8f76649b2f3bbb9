"""The programs in ``examples/`` print what their docstrings claim, and README.md what it shows."""

from __future__ import annotations

import ast
import logging
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import pytest

import fluid.testing
from tests.examples.terminal import ROOT, ctrl_c_heard, is_as_shown, on_terminal

EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text("utf-8")

REAL = ["hello", "feed", "under_systemd/listen"]
VIRTUAL = ["pipeline", "report"]
OTHERWISE = ["codesearch", "web"]
"""Those with tests of their own."""


def docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text("utf-8"))) or ""


def claimed(name: str) -> str:
    """Returns what a program's docstring shows: its indented block that begins with a command."""
    (block,) = re.findall(r"^ {4}\$ .*\n(?:(?: {4}.*)?\n)*", docstring(name) + "\n", re.MULTILINE)
    return dedent(block).rstrip()


def in_readme(mark: str) -> str:
    """Returns the one block of the README that stands behind a comment."""
    (block,) = re.findall(rf"<!-- {mark} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    return block.rstrip()


# --- in processes, all at the same time ----------------------------------------------------------


@pytest.fixture(scope="module")
def terminals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[str]]]:
    """Begins to type all blocks at once: what they take is mostly waiting."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "shop.py").write_text(in_readme("file: shop.py"))
    (folder / "mine.py").write_text(in_readme("file: mine.py"))
    with ctrl_c_heard(), ThreadPoolExecutor(5) as threads:
        typed: dict[str, Callable[[], str]] = {
            **{name: partial(on_terminal, claimed(name)) for name in REAL},
            "a whole run": partial(on_terminal, in_readme("terminal: a whole run"), folder),
            "of my own": partial(on_terminal, in_readme("terminal: of my own"), folder),
        }
        yield {name: threads.submit(call) for name, call in typed.items()}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_a_program_prints_in_a_terminal_what_its_docstring_shows(
    name: str, terminals: dict[str, Future[str]]
):
    shown, block = terminals[name].result(), claimed(name)
    assert is_as_shown(shown, block), shown


@pytest.mark.real
@pytest.mark.parametrize("run", ["a whole run", "of my own"])
def test_the_readme_shows_what_its_program_prints(run: str, terminals: dict[str, Future[str]]):
    shown, block = terminals[run].result(), in_readme(f"terminal: {run}")
    assert is_as_shown(shown, block), shown


# --- on virtual time -----------------------------------------------------------------------------


class Printer(logging.Handler):
    """Prints as Python does where nobody has configured logging."""

    def emit(self, record: logging.LogRecord) -> None:
        print(record.getMessage())


@pytest.mark.parametrize("name", VIRTUAL)
def test_a_program_prints_on_virtual_time_what_its_docstring_shows(name: str):
    printer, logger = Printer(logging.WARNING), logging.getLogger("fluid")
    logger.addHandler(printer)
    with redirect_stdout(StringIO()) as printed, patch("asyncio.run", fluid.testing.run):
        try:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        finally:
            logger.removeHandler(printer)
    assert is_as_shown(f"$ python -m examples.{name}\n{printed.getvalue()}", claimed(name)), (
        printed.getvalue()
    )


# --- the folder ----------------------------------------------------------------------------------


def test_every_example_is_run_by_a_test_and_is_in_the_table():
    there = {path.stem for path in EXAMPLES.glob("*.py")}
    there |= {path.parent.name for path in EXAMPLES.glob("*/__init__.py")}
    there -= {"__init__"}
    tested = {name.partition("/")[0] for name in REAL + VIRTUAL + OTHERWISE}
    assert tested == there
    table = (EXAMPLES / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| \[(\w+)\]\((?:\w+\.py|\w+)\)", table, re.MULTILINE))
    assert listed == there


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path):
    unit = EXAMPLES / "under_systemd/thermostat.service"
    here = tmp_path / unit.name
    program = "/opt/thermostat/.venv/bin/fluid"
    here.write_text(unit.read_text("utf-8").replace(program, sys.executable), "utf-8")
    command = ["systemd-analyze", "verify", here]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    about_it = [line for line in said.stderr.splitlines() if unit.name in line]
    assert (said.returncode, about_it) == (0, [])
