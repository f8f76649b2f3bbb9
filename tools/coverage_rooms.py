"""Shows how much of each room of fluid the tests have gone through: statements, branches, together.

A room is a package below ``fluid``; modules that are in none are one of their own. It reads what
``coverage combine`` has left, and is part of ``make coverage``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from coverage import Coverage

PACKAGE = "fluid"
NO_ROOM = "(front)"
COUNTED = ("num_statements", "covered_lines", "num_branches", "covered_branches", "excluded_lines")


def main() -> int:
    """Prints the table; returns the exit code."""
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    print(table(rooms(files)))
    return 0


def rooms(files: dict[str, Any]) -> dict[str, Counter[str]]:
    """Returns the sums by room, in order."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, file in files.items():
        summary = file["summary"]
        sums[room_of(Path(name))].update({kind: summary[kind] for kind in COUNTED})
    return dict(sorted(sums.items()))


def room_of(path: Path) -> str:
    """Returns the package of a file below ``fluid``."""
    room, *below = path.parts[path.parts.index(PACKAGE) + 1 :]
    return room if below else NO_ROOM


def table(sums: dict[str, Counter[str]]) -> str:
    """Returns a line for each room, and one for all."""
    total = sum(sums.values(), Counter[str]())
    head = f"{'room':12}{'statements':>12}{'branches':>10}{'excluded':>10}"
    head += f"{'lines':>9}{'branches':>10}{'both':>9}"
    return "\n".join([head, *(row(name, sums[name]) for name in sums), row("all", total)])


def row(name: str, counts: Counter[str]) -> str:
    """Returns one line of the table."""
    statements, lines, branches, taken, excluded = (counts[kind] for kind in COUNTED)
    shares = (lines, statements), (taken, branches), (lines + taken, statements + branches)
    return f"{name:12}{statements:>12}{branches:>10}{excluded:>10}" + "".join(
        f"{percent(*share):>{width}}" for share, width in zip(shares, (9, 10, 9), strict=True)
    )


def percent(part: int, whole: int) -> str:
    """Returns a share, never rounded up to all."""
    return f"{int(part / whole * 1000) / 10 if whole else 100.0:.1f} %"


if __name__ == "__main__":
    sys.exit(main())
