"""The plain consumer now, against the same in an earlier commit.

    python -m benchmarks.commits --base HEAD~3

Each side is a process that imports fluid from its own checkout, with the benchmark code of this
one; they are asked in turn, so that both share the machine's mood. The earlier commit is checked
out into a temporary worktree.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import fluid

from . import messages
from .pairs import ROOT
from .result import Result, ratio_at_least

TARGET = 0.97
CASES = {
    "sending and handling": (messages.send_and_handle, messages.MESSAGES),
    "handling a full queue": (messages.handle_only, messages.MESSAGES),
    "one round trip at a time": (messages.round_trips, messages.ROUND_TRIPS),
}


class Side(NamedTuple):
    """A process that measures one checkout, one case for each line that it reads."""

    process: subprocess.Popen[str]

    def measure(self, case: str) -> float:
        """Returns thousands of messages a second."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{case}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextmanager
def side(checkout: Path) -> Iterator[Side]:
    """Runs the measuring process of a checkout."""
    source = checkout / "src"
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.commits", "--serve"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = Path(process.stdout.readline().strip())
        assert found.is_relative_to(source), f"measured {found} instead of {source}"
        yield Side(process)
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Lends a checkout of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "base"
        subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", str(place), commit],
            cwd=ROOT,
            check=True,
        )
        try:
            yield place
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True
            )


def serve() -> None:
    """Says whose fluid it measures, and then measures what each line of the input asks for."""
    print(fluid.__file__, flush=True)
    for line in sys.stdin:
        case, count = CASES[line.strip()]
        gc.collect()
        rate = asyncio.run(case(messages.worker, time.process_time, count))
        print(rate, flush=True)


def compare(base: str, pairs: int) -> Iterator[Result]:
    """Measures each case in both checkouts, in turn."""
    with ExitStack() as stack:
        now = stack.enter_context(side(ROOT))
        before = stack.enter_context(side(stack.enter_context(checked_out(base))))
        for case in CASES:
            for each in now, before:
                each.measure(case)
            samples = [(now.measure(case), before.measure(case)) for _ in range(pairs)]
            yield Result(case, "k/s", samples, ratio_at_least(TARGET))


def main() -> None:
    """Compares, and prints one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", default="HEAD~1", help="the earlier commit")
    parser.add_argument("--pairs", type=int, default=101)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    from .__main__ import LINE, line  # here, because it imports what the earlier commit may lack

    print(LINE.format("plain consumer", "now", options.base[:13], "ratio (min-max)", "target", ""))
    for result in compare(options.base, options.pairs):
        print(line(result), flush=True)


if __name__ == "__main__":
    main()
