"""What a run has done so far, and how that is shown: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
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
    is_complete: bool = False
    """Whether everything has been dealt with, as opposed to interrupted."""

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

    def clear(self) -> None:
        """Begins anew."""
        vars(self).update(vars(Tally()))


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
        self._next_at = LINE_PERIOD

    def show(self, tally: Tally, elapsed: float) -> None:
        """Prints what is new."""
        for problem in tally.problems[self._problems :]:
            self._print(problem_line(problem))
        self._problems = len(tally.problems)
        if tally.done > self._done and elapsed >= self._next_at:
            self._done, self._next_at = tally.done, elapsed + LINE_PERIOD
            self._print(progress_line(tally, elapsed))

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class RichDisplay:
    """Draws a bar, and prints a line for each problem above it.

    Raises:
        ImportError: If rich is not installed.
    """

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TimeRemainingColumn

        self.progress = Progress(
            "{task.description}",
            BarColumn(),
            "{task.fields[files]}",
            TimeRemainingColumn(),
            console=Console(file=stream),
            auto_refresh=False,  # the reporter sees to that, and rich needs no thread for it
            transient=True,
        )
        self._task = self.progress.add_task("looking for files", total=None, files="")
        self._problems = 0

    def show(self, tally: Tally, elapsed: float) -> None:
        """Draws the bar anew."""
        for problem in tally.problems[self._problems :]:
            line = problem_line(problem)
            self.progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._problems = len(tally.problems)
        is_known = tally.listing is not None
        self.progress.update(
            self._task,
            description="indexing" if is_known else "looking for files",
            total=tally.to_do if is_known else None,
            completed=tally.done,
            files=progress_line(tally, elapsed),
        )
        self.progress.refresh()


def progress_line(tally: Tally, elapsed: float) -> str:
    """Returns how far a run is, in words."""
    if tally.listing is None:
        return f"{tally.seen:,} found"
    return f"{tally.done:,} of {tally.to_do:,} files, {rate(tally.done, elapsed)}"


def rate(files: int, seconds: float) -> str:
    """Returns how many files that is per second, in words."""
    return f"{files / seconds if seconds > 0 else 0:,.0f} files per second"


def count(number: int, noun: str) -> str:
    """Returns how many there are, in words."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def problem_line(problem: Problem) -> str:
    """Returns what is said about one problem."""
    return f"{problem.trouble}: {problem.path}: {problem.detail}"


def summary(tally: Tally, seconds: float) -> Iterator[str]:
    """Yields, in a few lines, what a run of ``seconds`` has come to."""
    yield (
        f"indexed {tally.written:,} files in {seconds:.1f} seconds "
        f"({rate(tally.written, seconds)}): {tally.lines:,} lines, {tally.symbols:,} symbols"
    )
    skipped = 0 if tally.listing is None else tally.listing.found - tally.to_do
    yield f"skipped {skipped:,} unchanged files, removed {tally.removed:,} that are gone"
    troubles = Counter(problem.trouble for problem in tally.problems)
    if troubles:
        yield "reported " + ", ".join(f"{n:,} {trouble}" for trouble, n in troubles.items())
    if tally.is_complete:
        return
    if tally.listing is None:
        yield "interrupted: not all files were found; the next run looks again"
    else:
        left, queued = tally.left, tally.returned
        yield f"interrupted: {left:,} files left for the next run, {queued:,} were queued"


def contents(totals: Totals, database: Path) -> str:
    """Returns what there is in the index, in words."""
    return (
        f"the index {database} has {totals.files:,} files, {totals.lines:,} lines, "
        f"{totals.symbols:,} symbols"
    )
