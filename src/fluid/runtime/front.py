"""What an operator gets to see of a process: the seam between the runtime and the command line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isinf

from .. import logs
from ..places import place_of
from .stages import Stage, Waiting, named

logger: logging.Logger = logging.getLogger("fluid.runtime")

SAY_AFTER = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds after which a start or a stop that goes on is reported."""

SAY_EVERY = 30.0
"""Seconds between two reports from then on."""

MOST_NAMED = 5
"""Workers that a line names; it counts the others."""


class Front:
    """What ``fluid.run()`` shows by itself: log lines, and the last words on stderr.

    The command line puts others in its place, for terminals and for JSON.
    """

    period: float = 0.25
    """Seconds between two looks at a start or a stop that goes on."""

    def __init__(self) -> None:
        self._say_at: float = SAY_AFTER[0]

    def stage(self, stage: Stage) -> None:
        """Is told, in the loop, how far a start or a stop is, and once more when it is over."""
        if stage.is_over:
            self._say_at = SAY_AFTER[0]
        elif stage.elapsed >= self._say_at:
            later = (seconds for seconds in SAY_AFTER if seconds > stage.elapsed)
            self._say_at = next(later, stage.elapsed + SAY_EVERY)
            logs.safely(logger.info, "%s", stage_line(stage), extra={"worker": stage.path})

    def dump(self, text: str) -> None:
        """Shows where everything is: many lines, because somebody asked, or because it is the end.

        Called in a thread of its own, which is left alone if it does not come back.
        """
        _write(f"{text}\n")

    def last_words(self, text: str, code: int) -> None:
        """Says why the process ends as it does: one line, the last there is.

        Args:
            text: The whole line, ``app: exit code 1: app/db failed (...)``.
            code: The exit code.
        """
        _write(f"{text}\n")


class Witnessed(Front):
    """What another one shows, told to others as well; for the time after a run.

    Args:
        front: The other one.
        witnesses: Whom the last words are told.
    """

    def __init__(self, front: Front, witnesses: Sequence[Callable[[str, int], None]]) -> None:
        super().__init__()
        self._front: Front = front
        self._witnesses: Sequence[Callable[[str, int], None]] = witnesses

    def dump(self, text: str) -> None:
        """Shows where everything is."""
        self._front.dump(text)

    def last_words(self, text: str, code: int) -> None:
        """Says why the process ends as it does."""
        for witness in self._witnesses:  # first: stderr may be full, and they never wait
            logs.safely(witness, text, code)
        self._front.last_words(text, code)


def _write(text: str) -> None:
    with suppress(AttributeError, OSError, ValueError):  # there is none, disk full, closed
        sys.stderr.write(text)
        sys.stderr.flush()


def stage_line(stage: Stage) -> str:
    """Returns ``app is stopping for 5.0 of at most 17.0 seconds; waiting for ...``."""
    limit = "" if isinf(stage.bound) else f" of at most {stage.bound:.1f}"
    whom = named(stage.waiting, MOST_NAMED, _whom)
    whom = whom and f"; waiting for {whom}"
    return f"{stage.path} has been {stage.verb} for {stage.elapsed:.1f}{limit} seconds{whom}"


def _whom(each: Waiting) -> str:
    return f"{each.path} in {each.phase}, {place_of(each.stack)}"
