"""fluid: up to three SIGINTs, 0.7 seconds apart, while a worker takes three seconds to stop.

Run by itself it starts a second process, with ``child`` behind it, and sends the signals.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress

PAUSE = 0.7


def child() -> None:
    """Runs a worker that takes three seconds to stop."""
    from fluid import Worker, run

    class Slow(Worker):
        async def run(self) -> None:
            print("ready", flush=True)
            await self.sleep(3600)
            await asyncio.sleep(3)

    run(Slow())


def observe() -> dict[str, object]:
    process = subprocess.Popen([sys.executable, __file__, "child"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    began, sent = time.monotonic(), 0
    while process.poll() is None and sent < 3:
        process.send_signal(signal.SIGINT)
        sent += 1
        with suppress(subprocess.TimeoutExpired):
            process.wait(PAUSE)
    code = process.wait(timeout=20)
    seconds = time.monotonic() - began
    return {
        "expected": "the second or the third one ends the process",
        "observed": f"after {sent} signals it ended in {seconds:.1f} s, with exit code {code}",
        "as_expected": seconds < 2.5,
    }


if __name__ == "__main__":
    if "child" in sys.argv:
        child()
    else:
        print(json.dumps(observe()))
