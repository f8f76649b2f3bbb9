"""Runs the programs in README.md and docs/, and holds them to the output printed beside them.

A fenced ``python`` block is executed. The blocks of one page share their names, and ``__name__`` is
``"__main__"``, so that a program reads as it would in its own file. Its ``asyncio.run`` runs on
virtual time, so that no page has to hurry; a block right after the comment ``<!-- real time -->``
has the real one. A fenced ``text`` block right after the comment ``<!-- output -->`` has to equal
what the ``python`` block before it printed.

A block right after ``<!-- file: shop.py -->``, in whatever language, is not executed but written to
a folder of the page's. The lines of a ``console`` block after ``<!-- shell -->`` that begin with
``$`` are run there, by one shell, and the whole block has to equal what a terminal would show. A
line ``...`` in it stands for one or more; times, durations and the folder itself are not compared.

Everything else is left alone.
"""

from __future__ import annotations

import asyncio
import atexit
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from unittest.mock import patch

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from tools.transcript import lasting

pytest_plugins = ["fluid.testing.pytest"]

OUTPUT = "<!-- output -->"
REAL_TIME = "<!-- real time -->"
SHELL = "<!-- shell -->"
FILE = re.compile(r"<!-- file: ([\w.]+) -->\s*\Z")

FOLDER = "/srv/shop"
"""What the pages call the folder in which their commands are run."""

SHELL_LIMIT = 20.0
"""Seconds that the commands of one block may take."""

REPEAT = r"""say() { local code=$?; printf '$ %s\n' "$1"; return $code; }"""
"""Shows a command as a terminal would, and leaves ``$?`` to the next one."""

execute = PythonEvaluator()


def programs_and_outputs(document: Document) -> Iterator[Region]:
    """Yields what is to be done on one page, in any order: sybil sorts by position."""
    document.namespace["__name__"] = "__main__"
    printed = "(no program ran before this output)"

    def run(example: Example) -> None:
        # Imported here, so that a fluid that does not import fails the pages, not every test.
        import fluid.testing

        nonlocal printed
        real = follows(REAL_TIME, example.region)
        runner = asyncio.run if real else fluid.testing.run
        with redirect_stdout(io.StringIO()) as stdout, patch("asyncio.run", runner):
            try:
                execute(example)
            finally:
                printed = stdout.getvalue()
        print(printed, end="")

    def compare(example: Example) -> None:
        assert printed.rstrip() == example.parsed.rstrip()

    def write(example: Example) -> None:
        (folder_of(document.path) / file_of(example.region)).write_text(example.parsed)

    def follow(example: Example) -> None:
        block = example.parsed.rstrip()
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        shown = on_terminal(commands, folder_of(document.path))
        if not re.fullmatch(with_gaps(lasting(block)), lasting(shown)):
            assert shown == block

    def before(region: Region) -> str:
        return document.text[: region.start].rstrip()

    def follows(comment: str, region: Region) -> bool:
        return before(region).endswith(comment)

    def file_of(region: Region) -> str:
        found = FILE.search(before(region))
        return found[1] if found else ""

    for block in FencedCodeBlockLexer(r"\w+")(document):
        if file_of(block):
            yield Region(block.start, block.end, block.lexemes["source"], write)

    for block in FencedCodeBlockLexer("python")(document):
        if not file_of(block):
            yield Region(block.start, block.end, block.lexemes["source"], run)

    for language, comment, evaluator in ("text", OUTPUT, compare), ("console", SHELL, follow):
        blocks = [
            each for each in FencedCodeBlockLexer(language)(document) if follows(comment, each)
        ]
        for block in blocks:
            yield Region(block.start, block.end, block.lexemes["source"], evaluator)
        if len(blocks) != document.text.count(comment):
            raise ValueError(
                f"{document.path}: {comment} has to stand right before a {language} block"
            )


# --- the shell -----------------------------------------------------------------------------------


@cache
def folder_of(_page: str) -> Path:
    """Returns the folder for the files of a page, which is gone at the end."""
    folder = tempfile.mkdtemp(prefix="fluid-docs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder).resolve()


def on_terminal(commands: list[str], folder: Path) -> str:
    """Returns what a terminal shows of commands that are typed in ``folder``."""
    script = "\n".join([REPEAT, *(f"say {shlex.quote(line)}\n{line}" for line in commands)])
    strange = {name for name in os.environ if name.startswith("FLUID_")}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in strange},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",  # as on a terminal: what is printed stays between the log lines
        "FLUID_STALL_THRESHOLD": "0",  # how busy this machine is does not belong in there
    }
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # and so killed with all that it has started
    ) as shell:
        try:
            shown, _ = shell.communicate(timeout=SHELL_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
    return shown.rstrip().replace(str(folder), FOLDER)


def with_gaps(block: str) -> str:
    """Returns the pattern for a block in which a line ``...`` stands for one line or more."""
    lines = block.splitlines()
    return r"\n".join(r".*(?:\n.*)*?" if line == "..." else re.escape(line) for line in lines)


pytest_collect_file = Sybil(
    parsers=[programs_and_outputs],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
).pytest()
