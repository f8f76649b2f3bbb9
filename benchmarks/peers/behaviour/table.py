"""The second table of docs/comparison.md as Markdown, rendered from what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..environments import FLUID, ROOT
from .record import Observation, Record
from .rows import SECTIONS, Row

SECTION = "behaviour"
"""The section of the page that belongs to this tool."""

INTRODUCTION = """\
Each row is a small script that you can run by itself, and beside it the same thing done with fluid.
A script uses a system as its documentation and its docstrings do, says what one expects, and prints
what it has observed. The table has what they printed in one run with Python {python}, on
{machine}; where a system does what one expects, it says so.
`python -m benchmarks.peers.behaviour --write` runs them all again, so that a release which changes
something shows.

One can expect something else for good reasons; where a project names its reasons, the row says so.
These rows were chosen because fluid promises something in them: what the others do and fluid does
not is no part of the table. The rows of aio-fluid have one script for both, as fluid has its API.
"""

HEAD = "| what is done | one expects | what happens | fluid |\n|---|---|---|---|"


def rendered(record: Record) -> str:
    """Returns the section of the page."""
    introduction = INTRODUCTION.format(machine=record.machine, python=record.python)
    return "\n".join([introduction, *sections(record)]).rstrip() + "\n"


def sections(record: Record) -> Iterator[str]:
    """Yields the headings, each with its table."""
    for title, rows in SECTIONS.items():
        yield f"### {title}\n\n{HEAD}"
        yield from (line(record, row) for row in rows)
        yield ""


def line(record: Record, row: Row) -> str:
    """Returns one row."""
    pair = record.pair(row)
    system = f"**{row.name} {record.versions[row.system]}**"
    cells = [
        f"{system}: {row.title} ({link(row.theirs)})",
        pair.theirs.expected,
        f"{words(pair.theirs)} {row.remark}".strip(),
        f"{words(pair.ours)} ({link(row.ours)})",
    ]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def link(script: Path) -> str:
    """Returns a link to a script, which is good on the site and in the repository."""
    return f"[script](../{script.relative_to(ROOT).as_posix()})"


def words(observation: Observation) -> str:
    """Returns what was observed as a sentence, with "as expected" before it if it was."""
    text = observation.observed
    if observation.as_expected:
        return f"As expected: {text}."
    return f"{text[:1].upper()}{text[1:]}."


def summary(record: Record) -> str:
    """Returns how many rows are as expected, for the terminal."""
    theirs = sum(pair.theirs.as_expected for pair in record.pairs.values())
    ours = sum(pair.ours.as_expected for pair in record.pairs.values())
    total = len(record.pairs)
    return f"as expected: {theirs} of {total} with the others, {ours} of {total} with {FLUID}"
