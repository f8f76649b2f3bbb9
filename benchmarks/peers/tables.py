"""The figures as Markdown: what ``make bench-peers`` prints, and writes into the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..result import three_digits
from .figures import Comparison, Lead, Row
from .rows import ROWS
from .systems import BARE, OURS, SYSTEMS

UNKNOWN = "We do not know why."


def tables(comparison: Comparison) -> dict[str, str]:
    """Returns the sections of the page by their names."""
    return {
        "performance": "\n\n".join(
            [where(comparison), summary(comparison), PLOTS, verdict(comparison)]
        ),
        "figures": details(comparison),
    }


PLOTS = """\
![Each system's figures by those of bare asyncio](comparison/ratios.svg)

![Start and stop of 100 to 10,000 workers](comparison/lives.svg)"""


def where(comparison: Comparison) -> str:
    """Says what was compared, and on what."""
    found = [f"{system} {version}" for system, version in comparison.versions.items()]
    return (
        f"Measured were {', '.join(found)}, on Python {comparison.python} with asyncio's own event "
        f"loop: {comparison.machine}."
    )


def summary(comparison: Comparison) -> str:
    """Returns the table of medians, each with its ratio to bare asyncio."""
    head = ["", *(f"{name}" for name in SYSTEMS)]
    lines = [
        [f"{row.title}, {row.unit}", *(cell(comparison, row, system) for system in SYSTEMS)]
        for row in ROWS
    ]
    return table(head, lines)


def cell(comparison: Comparison, row: Row, system: str) -> str:
    """Returns a median and its ratio, in bold where fluid is ahead of every peer."""
    if not comparison.has(row, system):
        return row.absent
    figure = three_digits(comparison.figures(row, system).middle)
    if system == BARE:
        return figure
    text = f"{figure} ({ratio(comparison.ratios(row, system).middle)})"
    ahead = system == OURS and all(lead.is_ahead for lead in comparison.leads(row))
    return f"**{text}**" if ahead else text


def ratio(value: float) -> str:
    """Returns how many times something is something else."""
    return f"{value:,.0f}x" if value >= 100 else f"{value:.2g}x" if value < 10 else f"{value:.0f}x"


def verdict(comparison: Comparison) -> str:
    """Says in which rows fluid is not ahead, and why."""
    leads = [(row, lead) for row in ROWS for lead in comparison.leads(row)]
    behind = [standing(comparison, row, lead) for row, lead in leads if lead.is_behind]
    level = [f"- {row.title}: {lead.peer}" for row, lead in leads if lead.is_level]
    return "\n\n".join(
        [
            *titled("Where one of the others is ahead of fluid", behind),
            *titled("Where one of them is level with it, and chance decides", level),
            "In all else fluid is ahead of each of them.",
        ]
    )


def titled(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Yields a list below its title, unless it is empty."""
    if lines:
        yield f"{title}:"
        yield "\n".join(lines)


def standing(comparison: Comparison, row: Row, lead: Lead) -> str:
    """Says how far a peer is ahead of fluid, how reliably, and why."""
    ours, theirs = (
        three_digits(comparison.figures(row, name).middle) for name in (OURS, lead.peer)
    )
    rounds = f"in {lead.rounds - lead.ahead_in} of {lead.rounds} rounds"
    return (
        f"- {row.title}: {lead.peer} has {theirs} {row.unit} and fluid {ours}, {rounds}. "
        f"{row.behind or UNKNOWN}"
    )


def details(comparison: Comparison) -> str:
    """Returns the long table: each figure with its range over the rounds."""
    head = ["", "", "median", "lowest to highest", "by bare asyncio", "lowest to highest"]
    return table(head, detail_lines(comparison))


def detail_lines(comparison: Comparison) -> Iterator[list[str]]:
    """Yields the lines of the long table."""
    for row in ROWS:
        title = f"{row.title}, {row.unit}"
        for system in SYSTEMS:
            if comparison.has(row, system):
                figures, ratios = comparison.figures(row, system), comparison.ratios(row, system)
                yield [
                    title,
                    system,
                    three_digits(figures.middle),
                    f"{three_digits(figures.lowest)} to {three_digits(figures.highest)}",
                    "" if system == BARE else ratio(ratios.middle),
                    "" if system == BARE else f"{ratio(ratios.lowest)} to {ratio(ratios.highest)}",
                ]
                title = ""


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    rows = [head, ["---"] * 1 + ["---:"] * (len(head) - 1), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
