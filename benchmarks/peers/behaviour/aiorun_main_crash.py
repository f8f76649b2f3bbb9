"""aiorun: the main coroutine raises.

Its README says that ``run()`` "will run forever, and does not stop on unhandled exceptions", which
can make sense for a server with many endpoints, and names ``stop_on_unhandled_errors`` for those
who want something else. Both are tried. The program runs for a second; then it gets SIGTERM.
Run by itself it starts other processes, with ``defaults`` or ``stop`` behind it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys


def child(kind: str) -> None:
    """Runs a coroutine that raises."""
    from aiorun import run

    async def main() -> None:
        raise ConnectionError("no route")

    run(main(), stop_on_unhandled_errors=kind == "stop")


def end_of(kind: str) -> tuple[bool, int]:
    """Returns whether the program ended by itself, and its exit code."""
    process = subprocess.Popen([sys.executable, __file__, kind])
    try:
        return True, process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        return False, process.wait(timeout=10)


def observe() -> dict[str, object]:
    by_itself, code = end_of("defaults")
    with_option, code_with_option = end_of("stop")
    runs_on = "ended by itself" if by_itself else "ran on until SIGTERM"
    runs_on_with_option = "ended by itself" if with_option else "ran on until SIGTERM"
    return {
        "expected": "the program ends, with an exit code other than 0",
        "observed": (
            f"it {runs_on}, exit code {code}; with `stop_on_unhandled_errors=True` "
            f"it {runs_on_with_option}, exit code {code_with_option}"
        ),
        "as_expected": by_itself and code != 0,
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        child(sys.argv[1])
    else:
        print(json.dumps(observe()))
