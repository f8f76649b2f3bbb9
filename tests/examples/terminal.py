"""Types what a block shows into a terminal, and returns what the terminal shows then.

A block is a ``$`` command, what it prints, the next command. A line ``^C`` is a Ctrl-C, pressed as
soon as everything above it has been printed. A line ``...`` stands for lines that are left out, and
an ellipsis for the rest of one. Times and durations are not compared. What a terminal has at its
lower edge while a stop takes its time is a log line here, and left out.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from tools.transcript import lasting

ROOT = Path(__file__).parents[2]
LIMIT = 20.0
"""Seconds that a command may take."""

AT_THE_EDGE = re.compile(r" has been (?:starting|stopping) for ")
TIME = re.compile(r"^\d\d:\d\d:\d\d ", re.MULTILINE)
CTRL_C = "^C"
EXIT_CODE = "echo $?"


def is_as_shown(shown: str, block: str) -> bool:
    """Returns whether a terminal has shown what a block says."""
    return re.fullmatch(_pattern(block), _comparable(shown)) is not None


@contextmanager
def ctrl_c_heard() -> Iterator[None]:
    """Lets what is started inside hear Ctrl-C, also where a shell has us in its background.

    There SIGINT is ignored, which children inherit; a handler they do not. On the main thread only.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def on_terminal(block: str, folder: Path = ROOT) -> str:
    """Returns what a terminal shows when the commands of a block are typed there."""
    return "\n".join(_typed(block, folder))


def _typed(block: str, folder: Path) -> Iterator[str]:
    code = 0
    for command, expected in _commands(block):
        yield f"$ {command}"
        if command == EXIT_CODE:
            yield str(code)
            continue
        with _started(command, folder) as process:
            end = Timer(LIMIT, process.kill)
            end.start()
            yield from _printed(process, expected)
            end.cancel()
        code = process.returncode


def _commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yields each command, with the lines that it is to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *expected = part.rstrip().splitlines()
        yield command, expected


def _printed(process: subprocess.Popen[str], expected: list[str]) -> Iterator[str]:
    assert process.stdout is not None
    awaited = "\n".join(expected[: expected.index(CTRL_C)]) if CTRL_C in expected else None
    lines: list[str] = []
    for line in process.stdout:
        if AT_THE_EDGE.search(line):
            continue
        lines.append(line.rstrip("\n"))
        yield lines[-1]
        if awaited is not None and is_as_shown("\n".join(lines), awaited):
            awaited = None
            yield CTRL_C
            process.send_signal(signal.SIGINT)


def _started(command: str, folder: Path) -> subprocess.Popen[str]:
    program, *words = shlex.split(command)
    module = [] if program == "python" else ["-m", program]
    path = [str(folder), str(ROOT)]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FLUID_")},
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",  # as on a terminal: what is printed stays between the log lines
        "FLUID_LOG_FORMAT": "rich",  # likewise
        "FLUID_STALL_THRESHOLD": "0",  # how busy this machine is does not belong in there
    }
    return subprocess.Popen(
        [sys.executable, *module, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _comparable(text: str) -> str:
    return TIME.sub("TIME ", lasting(text.rstrip()))


def _pattern(block: str) -> str:
    return r"\n".join(
        r".*(?:\n.*)*?" if line == "..." else r".*".join(map(re.escape, line.split("…")))
        for line in _comparable(block).splitlines()
    )
