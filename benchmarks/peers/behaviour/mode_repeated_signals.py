"""mode: three SIGINTs, 0.7 seconds apart, while a ``Worker`` waits for a stop of three seconds.

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
    """Runs a service whose stop takes three seconds, as the documentation does."""
    from mode import Service, Worker

    class Slow(Service):
        async def on_started(self) -> None:
            print("ready", flush=True)

        async def on_stop(self) -> None:
            await asyncio.sleep(3)

    Worker(Slow(), redirect_stdouts=False).execute_from_commandline()


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
