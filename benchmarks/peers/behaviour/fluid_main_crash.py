"""fluid: the main job raises; beside it is a worker that would run on.

The program runs for a second; then it gets SIGTERM. Run by itself it starts another process, with
``child`` behind it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from math import inf


def child() -> None:
    """Runs a worker that raises, and one that does not."""
    from fluid import Worker, Workers, run

    class Main(Worker):
        async def run(self) -> None:
            raise ConnectionError("no route")

    class Idle(Worker):
        async def run(self) -> None:
            await self.sleep(inf)

    run(Workers(Main(), Idle(), name="app"))


def observe() -> dict[str, object]:
    process = subprocess.Popen([sys.executable, __file__, "child"])
    try:
        code, by_itself = process.wait(timeout=1), True
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        code, by_itself = process.wait(timeout=10), False
    runs_on = "ended by itself" if by_itself else "ran on until SIGTERM"
    return {
        "expected": "the program ends, with an exit code other than 0",
        "observed": f"it {runs_on}, exit code {code}",
        "as_expected": by_itself and code != 0,
    }


if __name__ == "__main__":
    if "child" in sys.argv:
        child()
    else:
        print(json.dumps(observe()))
