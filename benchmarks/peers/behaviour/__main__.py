"""Runs the scripts of all rows, and shows what was observed; ``--write`` puts it into the page.

It takes about two minutes, whatever the machine: most of it is waiting. The exit code is 1 if fluid
does not do what one expects, and 2 if something could not be observed; then nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import page
from ..environments import FLUID, PEERS, EnvironmentsError, printed, python_of, version_of
from ..rounds import machine
from .observing import ObservingError, pair
from .record import FILE, Observation, Pairs, Record
from .rows import PREFIXES, ROWS, Row
from .table import SECTION, rendered, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for; returns the exit code."""
    options = parsed(arguments)
    wanted = [row for row in ROWS if not options.only or chosen(row, options.only)]
    try:
        record = observed(wanted)
    except (EnvironmentsError, ObservingError) as error:
        print(error, file=sys.stderr)
        return 2
    print(summary(record))
    if options.write:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(record.as_text(), encoding="utf-8")
        page.write({SECTION: rendered(record)})
    return int(not all(each.ours.as_expected for each in record.pairs.values()))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.behaviour",
        description="Does the same with other systems and with fluid, and says what happens.",
    )
    add = parser.add_argument
    add("--only", action="append", metavar="NAME", help="a system or a topic; may be repeated")
    add("--write", action="store_true", help="write the table into docs/comparison.md")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write needs all rows: leave --only out")
    known = {*PEERS, *PREFIXES.values(), *(row.topic for row in ROWS)}
    unknown = set(options.only or []) - known
    if unknown:
        parser.error(f"no such system or topic: {', '.join(sorted(unknown))}")
    return options


def chosen(row: Row, names: Sequence[str]) -> bool:
    """Tells whether a row was asked for."""
    return not {row.system, PREFIXES[row.system], row.topic}.isdisjoint(names)


def observed(wanted: Sequence[Row]) -> Record:
    """Runs the scripts of some rows, and shows each row when it is done."""
    pairs: Pairs = {}
    for row in wanted:
        pairs[row.theirs.stem] = found = pair(row)
        print(f"{row.theirs.name}: one expects: {found.theirs.expected}")
        print(f"  {row.system:<14} {words(found.theirs)}")
        print(f"  {FLUID:<14} {words(found.ours)}", flush=True)
    version = "import platform; print(platform.python_version())"
    systems = sorted({FLUID, *(row.system for row in wanted)})
    return Record(
        machine(),
        printed(python_of(FLUID), version),
        {system: version_of(system) for system in systems},
        pairs,
    )


def words(observation: Observation) -> str:
    """Returns what was observed, for the terminal."""
    return f"{'as expected' if observation.as_expected else 'not so'}: {observation.observed}"


if __name__ == "__main__":
    sys.exit(main())
