"""Runs a script and listens to the last line that it prints. Scripts run one after the other.

Some measure time or CPU, so nothing else should be busy meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from ..environments import FLUID, python_of
from .record import Observation, Pair
from .rows import Row

LIMIT = 60.0
"""Seconds that a script may take. The slowest wait for a second poll of five seconds, or for the
back-off of a whole minute's restarts."""

ALIEN = ("PYTHONPATH", "NOTIFY_SOCKET", "FLUID_")
"""Beginnings of variables that a script is not to inherit."""


class ObservingError(Exception):
    """A script did not say what it has observed; the message has the end of what it did say."""


def pair(row: Row) -> Pair:
    """Runs both scripts of a row.

    Raises:
        EnvironmentsError: An environment is missing.
        ObservingError: A script failed.
    """
    return Pair(
        observation(python_of(row.system), row.theirs),
        observation(python_of(FLUID), row.ours),
    )


def observation(python: Path, script: Path, limit: float = LIMIT) -> Observation:
    """Runs a script, and returns what it says.

    Args:
        python: The interpreter that has the system.
        script: The script.
        limit: Seconds that it may take; what it has started is killed with it. Default 60.

    Raises:
        ObservingError: It took too long, or its last line is not what it should be.
    """
    code, said, errors = output(python, script, limit)
    try:
        return Observation(**json.loads(said.strip().rpartition("\n")[2]))
    except (ValueError, TypeError):
        end = (errors.strip() or said.strip()).rpartition("\n")[2]
        raise ObservingError(f"{script.name} failed with exit code {code}: {end}") from None


def output(python: Path, script: Path, limit: float) -> tuple[int, str, str]:
    """Runs a script; returns its exit code, and what it printed on stdout and stderr."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(ALIEN)}
    with subprocess.Popen(
        [python, script],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # and so killed with all that it has started
    ) as process:
        try:
            said, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ObservingError(f"{script.name} took longer than {limit:g} seconds") from None
    return process.returncode, said, errors
