"""What a run has done so far, and how that is shown: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from .parse import Trouble
from .scan import Listing, Problem
from .store import Totals

LINE_PERIOD = 1.0
"""Seconds between two plain lines, at least."""


@dataclass
class Tally:
    """What a run has done so far: every worker adds what it did, the reporter only reads."""

    seen: int = 0
    """Files that the scanner has come across so far."""
    listing: Listing | None = None
    """What there is to do; None until the scanner has seen everything."""
    written: int = 0
    """Files that have got into the index."""
    lines: int = 0
    symbols: int = 0
    removed: int = 0
    """Files that are in the index no longer."""
    returned: int = 0
    """Files that were queued when the run was interrupted."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def to_do(self) -> int:
        """Files that are new or different."""
        return 0 if self.listing is None else len(self.listing.changed)

    @property
    def done(self) -> int:
        """Those of them that were written, or cannot be."""
        return self.written + self.failed

    failed: int = 0
    """Files that were to be read and could not be."""

    @property
    def left(self) -> int:
        """Files that the next run will find to be new or different, still."""
        return self.to_do - self.done


class Display(Protocol):
    """Shows people how far a run is."""

    def show(self, tally: Tally, elapsed: float) -> None:
        """Shows how things are after ``elapsed`` seconds; to be called often."""


class PlainDisplay:
    """Prints a line when there is news, once a second at the most, and a line for each problem."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._problems = 0
        self._done = 0
        self._next_at = 0.0

    def show(self, tally: Tally, elapsed: float) -> None:
        """Prints what is new."""
        for problem in tally.problems[self._problems :]:
            print(problem_line(problem), file=self._stream, flush=True)
        self._problems = len(tally.problems)
        if tally.done > self._done and elapsed >= self._next_at:
            self._done, self._next_at = tally.done, elapsed + LINE_PERIOD
            print(progress_line(tally, elapsed), file=self._stream, flush=True)
