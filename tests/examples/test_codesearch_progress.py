"""What people see of a run."""

from __future__ import annotations

import io
import sys

import pytest

from examples.codesearch.parse import Trouble
from examples.codesearch.progress import PlainDisplay, RichDisplay, Tally, display, summary
from examples.codesearch.scan import Listing, Problem
from tests.examples.cast import a_file


def a_tally(to_do: int, **facts: int) -> Tally:
    files = [a_file(f"/t/{number}") for number in range(to_do)]
    return Tally(listing=Listing(to_do + 5, files, []), **facts)  # type: ignore[arg-type]


def test_there_is_one_plain_line_a_second_at_the_most():
    stream, tally = io.StringIO(), a_tally(1000)
    display = PlainDisplay(stream)
    for tenth in range(35):
        tally.written += 20
        display.show(tally, tenth / 10)
    assert stream.getvalue().splitlines() == [
        "220 of 1,000 files, 220 files per second",
        "420 of 1,000 files, 210 files per second",
        "620 of 1,000 files, 207 files per second",
    ]


def test_there_is_no_plain_line_without_progress():
    stream = io.StringIO()
    display = PlainDisplay(stream)
    display.show(Tally(), 5)
    display.show(a_tally(10), 10)
    assert stream.getvalue() == ""


def test_each_problem_has_one_line_at_once():
    stream, tally = io.StringIO(), Tally()
    display = PlainDisplay(stream)
    tally.problems.append(Problem(Trouble.HUGE, "/t/a.py", "too big"))
    display.show(tally, 0)
    tally.problems.append(Problem(Trouble.SYNTAX, "/t/b.py", "line 3: invalid syntax"))
    display.show(tally, 0)
    assert stream.getvalue().splitlines() == [
        "huge: /t/a.py: too big",
        "without symbols: /t/b.py: line 3: invalid syntax",
    ]


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_the_problems_above_it():
    pytest.importorskip("rich")
    terminal, tally = FakeTerminal(), a_tally(1000, written=250)
    tally.problems.append(Problem(Trouble.HUGE, "/t/[a].py", "too big"))
    with display(terminal) as bar:
        assert isinstance(bar, RichDisplay)
        bar.show(Tally(seen=500), 0.5)
        assert "500 found" in terminal.getvalue()
        bar.show(tally, 1)
    assert "huge: /t/[a].py: too big\n" in terminal.getvalue()
    assert "250 of 1,000 files, 250 files per second" in terminal.getvalue()


def test_anything_else_gets_plain_lines():
    with display(io.StringIO()) as plain:
        assert isinstance(plain, PlainDisplay)


def test_without_rich_a_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with display(FakeTerminal()) as plain:
        assert isinstance(plain, PlainDisplay)


def test_the_summary_says_what_was_done_and_skipped_and_reported():
    tally = a_tally(1001, written=1000, failed=1, lines=20_000, symbols=300, removed=2)
    tally.is_complete = True
    tally.problems += [
        Problem(Trouble.UNDECODABLE, "/t/0", ""),
        Problem(Trouble.SYNTAX, "/t/1", ""),
        Problem(Trouble.SYNTAX, "/t/2", ""),
    ]
    assert list(summary(tally, 4)) == [
        "indexed 1,000 files in 4.0 seconds (250 files per second): 20,000 lines, 300 symbols",
        "skipped 5 unchanged files, removed 2 that are gone",
        "reported 1 undecodable, 2 without symbols",
    ]


def test_the_summary_of_an_interrupted_run_says_what_is_left():
    tally = a_tally(100, written=30, failed=1, returned=64)
    assert list(summary(tally, 2))[-1] == (
        "interrupted: 69 files left for the next run, 64 were queued"
    )
    assert list(summary(Tally(seen=10), 2))[-1] == (
        "interrupted: not all files were found; the next run looks again"
    )
