"""aiomisc: ``shutdown_timeout=0.2``, and a service whose ``stop()`` takes two seconds.

The docstring of the entrypoint: "Timeout in seconds for graceful shutdown". Measured is the end of
its ``with`` block, and for comparison the end of a process that gets SIGTERM: that one runs this
file again, with ``child`` behind it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time

from aiomisc import Service, entrypoint


class Slow(Service):
    """Needs two seconds to stop."""

    async def start(self) -> None:
        print("ready", flush=True)

    async def stop(self, exception: Exception | None = None) -> None:
        await asyncio.sleep(2)


def child() -> None:
    """Runs until the signal comes."""
    with entrypoint(Slow(), shutdown_timeout=0.2) as loop:
        loop.run_forever()


def after_signal() -> float:
    """Returns the seconds from the signal to the end of the process."""
    process = subprocess.Popen([sys.executable, __file__, "child"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    process.wait(timeout=10)
    return time.monotonic() - began


def observe() -> dict[str, object]:
    with entrypoint(Slow(), shutdown_timeout=0.2, log_config=False):
        began = time.monotonic()
    seconds = time.monotonic() - began
    return {
        "expected": "the stop has 0.2 s",
        "observed": f"it had {seconds:.2f} s; after a SIGTERM {after_signal():.2f} s",
        "as_expected": seconds < 0.5,
    }


if __name__ == "__main__":
    if "child" in sys.argv:
        child()
    else:
        print(json.dumps(observe()))
