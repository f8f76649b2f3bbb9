"""Writes down a whole run of ``fluid run`` for docs/running.md: watch, a file changes, SIGTERM.

It is what a real process says, with nothing done to it. A test has it run again and compares, but
for times, durations and the number of the process, so the page cannot go stale.

Usage: ``python -m tools.transcript``, in the root of the project.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/running.md"

COMMAND = "fluid run --log-format plain examples.codesearch.watch:watch -- src"
CHANGE = "echo 'def fox(): ...' >> src/app.py"

BLOCK = re.compile(
    r"(?<=<!-- transcript: watch -->\n```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE
)

VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r"\d+\.\d+ (?:s|seconds)\b"), "SOME seconds"),
    (re.compile(r"\$ kill \d+"), "$ kill PID"),
)
"""What is another with each run, and what is compared in its place."""


def main(page: Path = PAGE) -> None:
    text, found = BLOCK.subn(lambda _: record(), page.read_text(encoding="utf-8"))
    if not found:
        sys.exit(f"{page} has no place for it: a console block after <!-- transcript: watch -->")
    page.write_text(text, encoding="utf-8")
    print(page)


def shown(page: Path = PAGE) -> str:
    """Returns the transcript that the page has."""
    found = BLOCK.search(page.read_text(encoding="utf-8"))
    return found.group() if found else ""


def lasting(transcript: str) -> str:
    """Returns a transcript without what is another with each run."""
    for varying, name in VARYING:
        transcript = varying.sub(name, transcript)
    return transcript


def record() -> str:
    """Runs it, and returns what the terminal shows."""
    with tempfile.TemporaryDirectory() as folder:
        return "".join(f"{line}\n" for line in _lines(Path(folder)))


def _lines(folder: Path) -> Iterator[str]:
    (folder / "src").mkdir()
    for name in ("app", "owl", "zoo"):
        (folder / f"src/{name}.py").write_text(f"class {name.title()}: ...\n")
    with _started(folder) as process, ExitStack() as on_error:
        on_error.callback(process.kill)
        yield f"$ {COMMAND}"
        yield from _until("watching 1 folder", process)
        yield _elsewhere(CHANGE)
        subprocess.run(CHANGE, shell=True, cwd=folder, check=True)
        yield from _until("app.py changed", process)
        yield _elsewhere(f"kill {process.pid}")
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        yield from (line.rstrip("\n") for line in process.stderr)
        on_error.pop_all()
    yield "$ echo $?"
    yield str(process.returncode)


def _elsewhere(command: str) -> str:
    return f"{'':>40}another terminal$ {command}"


def _started(folder: Path) -> subprocess.Popen[str]:
    """Starts it in ``folder``, with all options left to their defaults."""
    path = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FLUID_")},
        "PYTHONPATH": os.pathsep.join(path).rstrip(os.pathsep),
        "CODESEARCH_DB": str(folder / "index.db"),
        "FLUID_STALL_THRESHOLD": "0",  # how busy this machine is does not belong in there
    }
    command = [sys.executable, "-m", *COMMAND.split()]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def _until(sign: str, process: subprocess.Popen[str]) -> Iterator[str]:
    """Yields the lines to the first one with ``sign`` in it."""
    assert process.stderr is not None
    line = ""
    for line in process.stderr:
        yield line.rstrip("\n")
        if sign in line:
            return
    code = process.wait()
    raise EOFError(f"exit code {code} before it said {sign!r}; the last line was: {line}")


if __name__ == "__main__":
    main()
