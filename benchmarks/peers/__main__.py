"""Measures every system in turn, and prints the tables; ``--write`` puts them into the page.

The figures are kept in docs/comparison/performance.json, the tables in docs/comparison.md and the
plots beside the figures are drawn from it: ``--render`` does only that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence

from . import environments, page
from .environments import EnvironmentsError, python_of
from .figures import Comparison
from .rounds import QUICK, MeasuringError, Plan, compared
from .tables import tables

FIGURES = page.FOLDER / "performance.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what was asked for; returns the exit code."""
    options = parsed(arguments)
    try:
        comparison = kept() if options.render else measured(options)
        if options.write or options.render:
            write(comparison)
    except (EnvironmentsError, MeasuringError) as error:
        print(error, file=sys.stderr)
        return 1
    for text in tables(comparison).values():
        print(f"\n{text}")
    return 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description="Compares fluid with others."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="2 rounds of a tenth of the size: a first look")
    add("--rounds", type=int, metavar="N", help="rounds to measure, instead of 7")
    add("--python", metavar="PATH", help="the Python that all systems have")
    add("--write", action="store_true", help="keep the figures, and write docs/comparison.md")
    add("--render", action="store_true", help="measure nothing: write the page from what is kept")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace) -> Comparison:
    """Makes the environments that are missing, and measures."""
    base = environments.base_python(options.python)
    for name in environments.NAMES:
        if environments.make(name, base):
            print(f"made the environment {name!r}", file=sys.stderr)
    plan = QUICK if options.quick else Plan()
    if options.rounds:
        plan = Plan(rounds=options.rounds, scale=plan.scale)
    return compared(plan, tell)


def tell(measure: str, system: str) -> None:
    """Says on stderr what it is at."""
    print(f"{measure}: {system}", file=sys.stderr, flush=True)


def kept() -> Comparison:
    """Returns the figures that were kept."""
    return Comparison.from_dict(json.loads(FIGURES.read_text(encoding="utf-8")))


def write(comparison: Comparison) -> None:
    """Keeps the figures, writes the page, and draws the plots."""
    text = json.dumps(comparison.as_dict(), indent=1) + "\n"
    FIGURES.write_text(text, encoding="utf-8")
    page.write(tables(kept()))  # whose figures are rounded
    plots = [str(python_of(environments.PLOTS)), "-m", f"{__package__}.plots"]
    subprocess.run(plots, cwd=environments.ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
