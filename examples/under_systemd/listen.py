"""Plays systemd for ``service.py``, and shows what it hears.

Nothing has to be installed for that: systemd gives a service a socket to talk to, and so does
this. What is indented is what the service says::

    $ python -m examples.under_systemd.listen
    systemctl start thermostat
       STATUS=starting
       READY=1
       STATUS=ready, 2 workers
       a ping: WATCHDOG=1
    systemctl reload thermostat
       RELOADING=1
       STATUS=restarting
       READY=1
       STATUS=ready, 2 workers
    systemctl stop thermostat
       STOPPING=1
       STATUS=stopping
       STATUS=exit code 0
    it has ended with exit code 0
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

UNIT = Path(__file__).parent / "thermostat.service"
PATIENCE = 10.0
"""Seconds without a word after which it is given up."""
WATCHDOG_USEC = "200000"
"""What systemd makes of ``WatchdogSec=``, in microseconds: here a ping comes every 0.1 seconds."""
PING = "WATCHDOG=1"
NUMBERS = ("MONOTONIC_USEC=", "EXTEND_TIMEOUT_USEC=")
"""What is different each time, and not shown."""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear,
    ):
        ear.bind(f"{folder}/notify")
        ear.settimeout(PATIENCE)
        variables = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": WATCHDOG_USEC}
        service = subprocess.Popen(
            command(), env={**os.environ, **variables}, stderr=subprocess.DEVNULL
        )
        try:
            play(heard(ear), service)
        finally:
            service.kill()  # where it is still there


def command() -> list[str]:
    """Returns what the unit starts, with the Python that runs this."""
    (start,) = (line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart="))
    _fluid, *words = shlex.split(start.partition("=")[2])
    return [sys.executable, "-m", "fluid", *words]


def heard(ear: socket.socket) -> Iterator[str]:
    """Yields what the service says, line by line."""
    while True:
        yield from ear.recv(4096).decode().splitlines()


def play(lines: Iterator[str], service: subprocess.Popen[bytes]) -> None:
    """Reloads the service and stops it, each when it has said what is waited for."""
    print("systemctl start thermostat")
    show(lines, until="STATUS=ready, 2 workers")
    print("   a ping:", next(line for line in lines if line == PING))
    print("systemctl reload thermostat")
    service.send_signal(signal.SIGHUP)
    show(lines, until="STATUS=ready, 2 workers")
    print("systemctl stop thermostat")
    service.send_signal(signal.SIGTERM)
    show(lines, until="STATUS=exit code 0")
    print("it has ended with exit code", service.wait(PATIENCE))


def show(lines: Iterator[str], *, until: str) -> None:
    """Prints what the service says, but for pings and numbers, until it has said one line."""
    for line in lines:
        if line != PING and not line.startswith(NUMBERS):
            print("  ", line)
        if line == until:
            return


if __name__ == "__main__":
    main()
