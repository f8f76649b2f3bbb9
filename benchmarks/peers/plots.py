"""Draws the plots of docs/comparison.md from the figures that were kept.

It runs in an environment of its own, ``.venv-peers/plots``, and is called by ``python -m
benchmarks.peers --write``. The same figures give the same bytes: no date is in them, and the ids
have a fixed seed. Each plot carries the digest of its figures, which a test compares with theirs.
The tones can be read on light and on dark paper, and the text is text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]
from matplotlib.figure import Figure  # type: ignore[import-not-found]

from .figures import Comparison, Row, Spread
from .measures import SIZES
from .page import FOLDER
from .rows import ROWS
from .systems import BARE, OURS, SYSTEMS

TEXT = "#7d7d7d"
COLOURS = {
    BARE: "#7d7d7d",
    OURS: "#2f7fc1",
    "aio-fluid": "#c27a16",
    "mode": "#3f9468",
    "aiomisc": "#b0578d",
}
MARKERS = {BARE: "|", OURS: "D", "aio-fluid": "o", "mode": "s", "aiomisc": "^"}

STYLE = {
    "svg.hashsalt": "fluid",
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": TEXT,
    "grid.alpha": 0.25,
}


def ratios(comparison: Comparison) -> Any:
    """Draws what each system needs by what bare asyncio needs, row by row."""
    figure = Figure(figsize=(7.2, 0.3 * len(ROWS) + 1.1))
    axes = figure.add_subplot()
    for number, row in enumerate(ROWS):
        for system in SYSTEMS:
            if comparison.has(row, system) and system != BARE:
                cost = cost_of(comparison, row, system)
                axes.plot([cost.lowest, cost.highest], [number] * 2, color=COLOURS[system], lw=1)
                axes.plot(cost.middle, number, **looks(system, label=number == 0), ls="none")
    axes.axvline(1, color=TEXT, lw=1)
    axes.set_xscale("log")
    axes.set_xlabel("times the cost in bare asyncio, the line at 1; to the left is better")
    axes.set_yticks(range(len(ROWS)), [row.title for row in ROWS])
    axes.invert_yaxis()
    axes.grid(axis="y")
    legend(figure)
    return figure


def cost_of(comparison: Comparison, row: Row, system: str) -> Spread:
    """Returns the ratios of a system, turned so that less is better."""
    found = comparison.ratios(row, system)
    if not row.more_is_better:
        return found
    return Spread(1 / found.middle, 1 / found.highest, 1 / found.lowest)


def lives(comparison: Comparison) -> Any:
    """Draws the time from making many workers to their end, by their number."""
    figure = Figure(figsize=(7.2, 3.2))
    axes = figure.add_subplot()
    rows = {row.key: row for row in ROWS}
    for system in SYSTEMS:
        took = [
            sum(comparison.figures(rows[f"{verb} {size}"], system).middle for verb in VERBS)
            for size in SIZES
        ]
        axes.plot(list(SIZES), took, **looks(system, label=True), lw=1.5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("workers in a group")
    axes.set_ylabel("start and stop, ms")
    axes.grid()
    legend(figure)
    return figure


VERBS = ("start", "stop")
PLOTS = {"ratios": ratios, "lives": lives}


def looks(system: str, *, label: bool) -> dict[str, Any]:
    """Returns how the figures of a system are drawn."""
    return {
        "color": COLOURS[system],
        "marker": MARKERS[system],
        "markersize": 5,
        "label": system if label else None,
    }


def legend(figure: Any) -> None:
    """Puts the names of the systems above the plot."""
    figure.legend(loc="outside upper center", ncols=len(SYSTEMS), frameon=False)


def main() -> int:
    """Draws all of them; returns the exit code."""
    text = (FOLDER / "performance.json").read_text(encoding="utf-8")
    comparison = Comparison.from_dict(json.loads(text))
    for name, draw in PLOTS.items():
        with mpl.rc_context(STYLE):
            save(draw(comparison), FOLDER / f"{name}.svg", comparison.digest)
    return 0


def save(figure: Any, path: Path, digest: str) -> None:
    """Writes a plot, with the digest of its figures and without a date."""
    figure.set_layout_engine("constrained")
    metadata = {"Date": None, "Creator": None, "Source": digest}
    figure.savefig(path, transparent=True, metadata=metadata)


if __name__ == "__main__":
    sys.exit(main())
