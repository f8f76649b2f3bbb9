"""Runs the benchmarks and prints one line for each result.

A line has the median of fluid's figures, that of the other's, and the median of their ratio with
its range over all pairs. What is compared, and why that is fair, is said at the top of each
benchmark's file. The exit code is 0 even if a target is missed, since these are measurements;
``--strict`` makes it 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import (
    consumers,
    flood,
    idle,
    imports,
    messages,
    running,
    simulation,
    slices,
    startstop,
    supervision,
    timers,
)
from .pairs import Plan
from .result import Result, three_digits

BENCHMARKS: dict[str, Callable[[Plan], Iterator[Result]]] = {
    "messages": messages.results,
    "consumers": consumers.results,
    "startstop": startstop.results,
    "supervision": supervision.results,
    "idle": idle.results,
    "timers": timers.results,
    "slices": slices.results,
    "running": running.results,
    "flood": flood.results,
    "simulation": simulation.results,
    "imports": imports.results,
}

LINE = "{:<40} {:>13} {:>13}   {:<22} {:<19} {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what was asked for; returns the exit code."""
    options = parsed(arguments)
    plan = plan_of(options)
    found: list[Result] = []
    print(LINE.format("benchmark", "fluid", "the other", "ratio (min-max)", "target", "").rstrip())
    for name in options.only or BENCHMARKS:
        for result in BENCHMARKS[name](plan):
            found.append(result)
            print(line(result), flush=True)
    print(machine())
    if options.json:
        data = {"machine": machine(), "results": [result.as_dict() for result in found]}
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return int(options.strict and not all(result.is_met for result in found))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compares costs.")
    add = parser.add_argument
    add("--only", action="append", choices=BENCHMARKS, help="run this one; may be repeated")
    add("--pairs", type=int, metavar="N", help="pairs to measure, instead of 11 or more")
    add("--quick", action="store_true", help="3 pairs of a tenth of the size: a first look")
    add("--wall", action="store_true", help="time computing by the clock, not by CPU time")
    add("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    add("--strict", action="store_true", help="exit with 1 if a target is missed")
    return parser.parse_args(arguments)


def plan_of(options: argparse.Namespace) -> Plan:
    """Returns how much to measure, and with which clock."""
    return Plan(
        pairs=options.pairs or (3 if options.quick else None),
        scale=0.1 if options.quick else 1.0,
        clock=time.perf_counter if options.wall else time.process_time,
    )


def line(result: Result) -> str:
    """Returns a result as a line of the table."""
    return LINE.format(
        result.name,
        f"{three_digits(result.fluid)} {result.unit}".rstrip(),
        f"{three_digits(result.other)} {result.unit}".rstrip(),
        ratio(result),
        "" if result.target is None else result.target.text,
        "" if result.target is None else "ok" if result.is_met else "missed",
    ).rstrip()


def ratio(result: Result) -> str:
    """Returns the ratio and its range; nothing where the other has no figure to compare with."""
    if not result.ratios:
        return ""
    low, middle, high = (
        f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"
        for value in (min(result.ratios), result.ratio, max(result.ratios))
    )
    return f"{middle} ({low}-{high})"


def machine() -> str:
    """Returns what it ran on, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores{load}, {python}, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
