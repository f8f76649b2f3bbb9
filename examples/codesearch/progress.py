"""What a run has done so far, and how that is shown: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from .scan import Listing, Problem
from .store import Totals

LINE_PERIOD = 1.0
"""Seconds between two plain lines, at least."""


@dataclass
class Tally:
    """What a run has done so far: the workers add to it, the reporter reads it."""

    seen: int = 0
    """Files that the scanner has come across."""
    listing: Listing | None = None
    """What there is to do; None until the scanner has seen everything."""
    written: int = 0
    """Files that have got into the index."""
    lines: int = 0
    """Their lines."""
    symbols: int = 0
    """Their symbols."""
    removed: int = 0
    """Files that have got out of the index."""
    failed: int = 0
    """Files that were to be read and could not be."""
    returned: int = 0
    """Files that were queued when the run was interrupted."""
    problems: list[Problem] = field(default_factory=list)
    """Everything that somebody ought to know of."""

    @property
    def to_do(self) -> int:
        """Files that are new or different."""
        return 0 if self.listing is None else len(self.listing.changed)

    @property
    def done(self) -> int:
        """Those of them that were written, or cannot be."""
        return self.written + self.failed

    @property
    def left(self) -> int:
        """Those of them that the next run will find to be new or different again."""
        return self.to_do - self.done


class Display(Protocol):
    """Shows people how far a run is."""

    def show(self, tally: Tally, elapsed: float) -> None:
        """Shows how things are after ``elapsed`` seconds; to be called often."""


@contextmanager
def display(stream: TextIO) -> Iterator[Display]:
    """Lends a bar if ``stream`` is a terminal and rich is installed, else plain lines."""
    try:
        bar = RichDisplay(stream) if stream.isatty() else None
    except ImportError:
        bar = None
    if bar is None:
        yield PlainDisplay(stream)
        return
    with bar.progress:
        yield bar


class PlainDisplay:
    """Prints a line for each problem, and one when there is progress, once a second at the most."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._problems = 0
        self._done = 0
        self._next_at = 0.0

    def show(self, tally: Tally, elapsed: float) -> None:
        """Prints what is new."""
        for problem in tally.problems[self._problems :]:
            self._print(problem_line(problem))
        self._problems = len(tally.problems)
        if tally.done > self._done and elapsed >= self._next_at:
            self._done, self._next_at = tally.done, elapsed + LINE_PERIOD
            self._print(f"{tally.done:,} of {tally.to_do:,} files, {rate(tally.done, elapsed)}")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class RichDisplay:
    """Draws a bar, and prints a line for each problem above it.

    Raises:
        ImportError: If rich is not installed.
    """

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import Progress, TimeRemainingColumn

        self.progress = Progress(
            *Progress.get_default_columns()[:2],
            "{task.completed:,.0f} files",
            "{task.fields[rate]}",
            TimeRemainingColumn(),
            console=Console(file=stream),
            auto_refresh=False,  # the reporter sees to that, and rich needs no thread for it
            transient=True,
        )
        self._task = self.progress.add_task("looking for files", total=None, rate="")
        self._problems = 0

    def show(self, tally: Tally, elapsed: float) -> None:
        """Draws the bar anew."""
        for problem in tally.problems[self._problems :]:
            line = problem_line(problem)
            self.progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._problems = len(tally.problems)
        if tally.listing is None:
            self.progress.update(self._task, completed=tally.seen)
        else:
            self.progress.update(
                self._task,
                description="indexing",
                completed=tally.done,
                total=tally.to_do,
                rate=rate(tally.done, elapsed),
            )
        self.progress.refresh()


def rate(files: int, seconds: float) -> str:
    """Returns how many files that is per second, in words."""
    return f"{files / seconds if seconds > 0 else 0:,.0f} files per second"


def problem_line(problem: Problem) -> str:
    """Returns what is said about one problem."""
    return f"{problem.trouble}: {problem.path}: {problem.detail}"


def summary(tally: Tally, totals: Totals, seconds: float) -> Iterator[str]:
    """Yields, in a few lines, what a run of ``seconds`` has come to."""
    yield (
        f"indexed {tally.written:,} files in {seconds:.1f} seconds "
        f"({rate(tally.written, seconds)}): {tally.lines:,} lines, {tally.symbols:,} symbols"
    )
    unchanged = 0 if tally.listing is None else tally.listing.found - tally.to_do
    counts = {"unchanged": unchanged, "removed": tally.removed}
    counts |= Counter(problem.trouble.value for problem in tally.problems)
    if others := ", ".join(f"{count:,} {what}" for what, count in counts.items() if count):
        yield f"beside them: {others}"
    if tally.listing is None:
        yield "interrupted: not all files were found; the next run looks again"
    elif tally.left:
        yield f"interrupted: {tally.left:,} files left for the next run ({tally.returned:,} queued)"
    yield (
        f"the index has {totals.files:,} files, {totals.lines:,} lines, {totals.symbols:,} symbols"
    )
