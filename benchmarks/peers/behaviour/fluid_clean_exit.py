"""fluid: SIGTERM for a program whose workers stop at once. Which exit code is it?

Both ``run()`` in a program and ``fluid run`` are tried. Run by itself it starts other processes,
with ``child`` behind it, or as what ``fluid run`` imports.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from math import inf
from pathlib import Path

from fluid import Worker, run

HERE = Path(__file__).resolve()


class Ready(Worker):
    """Says so, and waits for its stop."""

    async def run(self) -> None:
        print("ready", flush=True)
        await self.sleep(inf)


def code_of(*arguments: str) -> int:
    """Returns the exit code of a program that gets the signal."""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parent)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=10)


def observe() -> dict[str, object]:
    in_program = code_of(str(HERE), "child")
    on_command_line = code_of("-m", "fluid", "run", f"{HERE.stem}:Ready")
    return {
        "expected": "exit code 0",
        "observed": f"{in_program} with `run()`, {on_command_line} with `fluid run`",
        "as_expected": in_program == on_command_line == 0,
    }


if __name__ == "__main__":
    if "child" in sys.argv:
        run(Ready())
    else:
        print(json.dumps(observe()))
