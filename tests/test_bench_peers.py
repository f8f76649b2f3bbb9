"""The comparison with other systems: its arithmetic, its page, and that the two agree."""

from __future__ import annotations

import json

import pytest

from benchmarks.peers import page, rounds
from benchmarks.peers.__main__ import FIGURES
from benchmarks.peers.figures import Comparison, Lead, Row
from benchmarks.peers.page import replaced, section
from benchmarks.peers.rows import ROWS
from benchmarks.peers.systems import BARE, OURS, PEERS, SYSTEMS
from benchmarks.peers.tables import details, summary, tables, verdict

KEPT = Comparison.from_dict(json.loads(FIGURES.read_text(encoding="utf-8")))
LOW, HIGH = ROWS[0], next(row for row in ROWS if row.more_is_better)


def of(row: Row, **samples: list[float]) -> Comparison:
    """Returns the comparison of one row."""
    return Comparison("a machine", "3.13", {}, {row.key: samples})


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tables(KEPT))
def test_the_page_has_the_tables_of_the_figures_that_are_kept(name: str):
    shown = section(page.PAGE.read_text(encoding="utf-8"), name).strip()
    assert shown == tables(KEPT)[name].strip(), "stale: python -m benchmarks.peers --render"


def test_every_plot_was_drawn_from_the_figures_that_are_kept():
    plots = sorted(page.FOLDER.glob("*.svg"))
    assert len(plots) == 2
    for plot in plots:
        assert KEPT.digest in plot.read_text(encoding="utf-8"), plot.name
        assert f"](comparison/{plot.name})" in page.PAGE.read_text(encoding="utf-8")


def test_every_row_was_measured_with_fluid_and_with_bare_asyncio():
    for row in ROWS:
        assert KEPT.has(row, OURS), row.title
        assert KEPT.has(row, BARE), row.title


def test_where_a_peer_is_ahead_the_page_says_why():
    assert [row.title for row in ROWS for lead in KEPT.leads(row) if lead.is_behind] == [
        row.title for row in ROWS for lead in KEPT.leads(row) if lead.is_behind and row.behind
    ]


def test_a_section_is_replaced_and_all_else_stays():
    text = "before\n<!-- begin: a -->\nold\n<!-- end: a -->\nafter"
    assert section(replaced(text, "a", "new"), "a") == "\n\nnew\n\n"
    assert replaced(text, "a", "new").startswith("before\n")
    assert replaced(text, "a", "new").endswith("\nafter")
    with pytest.raises(ValueError, match="no section 'b'"):
        section(text, "b")


# --- the arithmetic ------------------------------------------------------------------------------


def test_a_peer_is_compared_round_by_round_and_the_median_counts():
    lead = of(LOW, fluid=[1.0, 2.0, 10.0], mode=[2.0, 6.0, 1.0]).lead(LOW, "mode")
    assert lead == Lead("mode", 2.0, ahead_in=2, rounds=3)


def test_more_is_better_for_what_is_counted_by_the_second():
    assert of(HIGH, fluid=[3.0], mode=[2.0]).lead(HIGH, "mode").factor == 1.5
    assert of(LOW, fluid=[3.0], mode=[1.5]).lead(LOW, "mode").factor == 0.5


@pytest.mark.parametrize(
    ("factor", "ahead_in", "standing"),
    [
        (2.0, 3, "ahead"),
        (1.05, 3, "ahead"),
        (1.05, 2, "level"),
        (0.95, 1, "level"),
        (0.95, 0, "behind"),
        (0.5, 1, "behind"),
        (1.5, 2, "ahead"),
    ],
)
def test_fluid_is_ahead_or_behind_unless_chance_decides(factor, ahead_in, standing):
    lead = Lead("mode", factor, ahead_in, rounds=3)
    found = {"ahead": lead.is_ahead, "level": lead.is_level, "behind": lead.is_behind}
    assert [name for name, holds in found.items() if holds] == [standing]


def test_who_is_behind_is_told_with_the_figures_the_rounds_and_the_reason():
    comparison = of(LOW, asyncio=[1.0, 1.0], fluid=[4.0, 4.0], mode=[2.0, 2.0])
    (line,) = [line for line in verdict(comparison).splitlines() if line.startswith("- ")]
    assert line.startswith(f"- {LOW.title}: mode has 2.00 ms and fluid 4.00, in 2 of 2 rounds.")
    assert line.endswith(LOW.behind)


def test_the_tables_have_a_column_or_a_line_for_each_system():
    assert all(name in summary(KEPT).splitlines()[0] for name in SYSTEMS)
    assert all(f"| {name} |" in details(KEPT) for name in SYSTEMS)


# --- the method ----------------------------------------------------------------------------------


def test_every_system_is_first_in_some_round_and_once_in_each():
    names = [BARE, OURS, *PEERS]
    orders = [rounds.order(names, number) for number in range(len(names))]
    assert [order[0] for order in orders] == names
    assert all(sorted(order) == sorted(names) for order in orders)


def test_what_takes_long_is_measured_in_some_rounds_only():
    steps = list(rounds.steps(["one"], 6))
    assert steps.count(("lives", "one")) == 6
    assert steps.count(("idle", "one")) == 2


def test_figures_are_sorted_by_row_and_system_round_by_round():
    found = iter(range(1000))
    samples = rounds.collected(lambda measure, _: {measure: next(found)}, ["a", "b"], 2)
    assert set(samples) == set(rounds.MEASURES)
    assert all(len(samples["lives"][name]) == 2 for name in "ab")
