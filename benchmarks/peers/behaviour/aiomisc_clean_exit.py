"""aiomisc: SIGTERM for a program whose services stop at once. Which exit code is it?

``aiomisc.run(main(), service)`` and the ``loop.run_forever()`` of the documentation are both tried.
Run by itself it starts other processes, with ``run`` or ``run_forever`` behind it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time

KINDS = ("run", "run_forever")


def child(kind: str) -> None:
    """Runs one service until the signal comes."""
    import aiomisc

    class Ready(aiomisc.Service):
        async def start(self) -> None:
            print("ready", flush=True)

    if kind == "run":
        aiomisc.run(asyncio.sleep(3600), Ready())
    else:
        with aiomisc.entrypoint(Ready()) as loop:
            loop.run_forever()


def code_of(kind: str) -> int:
    """Returns the exit code of a program that gets the signal."""
    process = subprocess.Popen([sys.executable, __file__, kind], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=10)


def observe() -> dict[str, object]:
    codes = [code_of(kind) for kind in KINDS]
    return {
        "expected": "exit code 0",
        "observed": ", ".join(
            f"{code} with `{kind}()`" for code, kind in zip(codes, KINDS, strict=True)
        ),
        "as_expected": not any(codes),
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        child(sys.argv[1])
    else:
        print(json.dumps(observe()))
