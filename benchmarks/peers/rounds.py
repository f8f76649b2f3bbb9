"""The method: every system once in each round, each in a fresh process, the order rotating.

What runs a process is passed in, so that the method itself can be tested without any.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .environments import ROOT, printed, python_of, version_of
from .figures import Comparison, Samples
from .systems import BARE, SYSTEMS

Run = Callable[[str, str], Mapping[str, float]]
"""Measures one thing with one system, and returns its figures by their rows."""

IMPORT, FIRST = "import", "first"
MEASURES: dict[str, int] = {
    "lives": 1,
    "messages": 1,
    "round trips": 1,
    "stops": 1,
    "restarts": 1,
    IMPORT: 1,
    FIRST: 1,
    "idle": 3,
    "waiting": 3,
}
"""What is measured, and in every how many rounds: idling takes long, and hardly varies."""

LIMIT = 300.0
"""Seconds that a process may take."""
IMPORTING = """
import time
began = time.perf_counter()
{imports}
print((time.perf_counter() - began) * 1000)
"""
"""Times what a program of a system imports, at the least."""
BEGINNING = """
import time
began = time.perf_counter()
import asyncio
from benchmarks.peers.first import {module} as program
asyncio.run(program.main(lambda: print((time.perf_counter() - began) * 1000)))
"""
"""Times the same and all else until the first worker runs: what is imported on demand is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure."""

    rounds: int = 7
    """Rounds of everything."""
    scale: float = 1.0
    """What sizes are multiplied by."""


QUICK = Plan(rounds=2, scale=0.1)


class MeasuringError(Exception):
    """A system could not be measured; the message has the end of what its process said."""


def order(systems: Sequence[str], number: int) -> list[str]:
    """Returns in which order the systems come in a round."""
    first = number % len(systems)
    return [*systems[first:], *systems[:first]]


def steps(systems: Sequence[str], rounds: int) -> Iterator[tuple[str, str]]:
    """Yields each measure of each round, and the system that it is the turn of."""
    for number in range(rounds):
        for measure, every in MEASURES.items():
            if number % every == 0:
                for system in order(systems, number):
                    yield measure, system


def collected(run: Run, systems: Sequence[str], rounds: int) -> Samples:
    """Measures everything, and sorts the figures by row and system."""
    samples: Samples = {}
    for measure, system in steps(systems, rounds):
        for row, value in run(measure, system).items():
            samples.setdefault(row, {}).setdefault(system, []).append(value)
    return samples


def compared(plan: Plan, tell: Callable[[str, str], None]) -> Comparison:
    """Measures everything in processes.

    Args:
        plan: How much.
        tell: Is called with a measure and a system before each process.

    Raises:
        EnvironmentsError: An environment is missing.
        MeasuringError: A process failed, or did not do its work.
    """

    def run(measure: str, system: str) -> Mapping[str, float]:
        tell(measure, system)
        return measured(measure, system, plan.scale)

    for system in SYSTEMS:
        measured(FIRST, system, plan.scale)  # its bytecode is written, and not counted
    samples = collected(run, list(SYSTEMS), plan.rounds)
    return Comparison(machine(), python(), versions(), samples)


def measured(measure: str, system: str, scale: float) -> Mapping[str, float]:
    """Measures one thing with one system, in a process of its own."""
    entry = SYSTEMS[system]
    match measure:
        case "import":
            return {IMPORT: float(output(system, "-c", IMPORTING.format(imports=entry.imports)))}
        case "first":
            return {FIRST: float(output(system, "-c", BEGINNING.format(module=entry.module)))}
        case _:
            arguments = ("-m", f"{__package__}.measures", system, measure, str(scale))
            figures: dict[str, float] = json.loads(output(system, *arguments))
            return figures


def output(system: str, *arguments: str) -> str:
    """Runs the Python of a system, and returns what it printed."""
    command = [str(python_of(SYSTEMS[system].environment)), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},  # or fluid would be compiled each time
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    if done.returncode:
        raise MeasuringError(f"{system} failed in `{' '.join(arguments)}`: {done.stderr[-2000:]}")
    return done.stdout


def python() -> str:
    """Returns the version of the Python that all of them have."""
    program = "import platform; print(platform.python_version())"
    return printed(python_of(SYSTEMS[BARE].environment), program)


def versions() -> dict[str, str]:
    """Returns the version of each system that its environment has."""
    return {name: version_of(entry.environment) for name, entry in SYSTEMS.items() if name != BARE}


def machine() -> str:
    """Returns what it runs on, in one line."""
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def processor() -> str:
    """Returns the name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "a processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "a processor"
