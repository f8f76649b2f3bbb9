"""What a terminal shows while a start or a stop goes on: whom it waits for, below the log lines.

It leaves nothing behind: not when it is over, and next to nothing when the process is killed while
it shows. So the cursor stays where it is to be seen, and stands in an empty line of its own, where
the ``^C`` of whoever loses patience spoils nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .. import places
from ..runtime.stages import Stage, Waiting
from ..texts import one_line
from .formats import CLEAR_LINE
from .fronts import PlainFront

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

SHOWN_AFTER = 0.5
"""Seconds that a start or a stop may take before anything is shown."""

MOST_SHOWN = 8
"""Workers that are shown; the others are counted."""

NARROW = 60
"""Columns below which the place goes before the name of the hook."""

LEFT_FREE = 3
"""Lines of a low terminal that are left to others."""


def is_screen(stream: TextIO) -> bool:
    """Returns whether what is written to ``stream`` can be taken back."""
    return stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown")


class TerminalFront(PlainFront):
    """Shows a status below the log lines, and writes those above it.

    Args:
        stream: The terminal. If it is none, nothing is shown.
    """

    period: float = 0.1

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._may_show: bool = is_screen(stream)
        self._live: Live | None = None
        self._lock = threading.RLock()  # threads write log lines as well

    def stage(self, stage: Stage) -> None:
        """Shows how far a start or a stop is, if that takes a while."""
        if self.is_quiet or not self._may_show:
            super().stage(stage)
            return
        with self._lock:
            try:
                if stage.is_over:
                    self._remove()
                elif stage.elapsed >= SHOWN_AFTER:
                    self._show(stage)
            except Exception:  # the terminal was closed; a status is not worth an error
                self._give_up()

    def last_words(self, text: str, code: int) -> None:
        """Writes ``text``, with nothing below it any more."""
        with self._lock:
            with suppress(Exception):
                self._remove()
            self.write(text)

    def write_line(self, text: str) -> None:
        """Writes a line above the status, if there is one."""
        with self._lock:
            if self._live is None:
                super().write_line(text)
                return
            from rich.text import Text

            try:
                self._live.console.print(Text.from_ansi(text))
            except Exception:
                self._give_up()
                raise

    def _show(self, stage: Stage) -> None:
        if self._live is None:
            self._stream.write(CLEAR_LINE)  # of the echo of a ^C that no log line was written over
            self._live = _live_on(self._stream)
            self._live.start()
        size = self._live.console.size
        lines = status(stage, size.width, size.height)
        self._live.update(_as_text(lines, size.width), refresh=True)

    def _remove(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _give_up(self) -> None:
        self._may_show = False
        with suppress(Exception):
            self._remove()


def status(stage: Stage, width: int, height: int) -> list[str]:
    """Returns the lines of the status, which fit a terminal of ``width`` but for their ends."""
    limit = "" if isinf(stage.bound) else f" of at most {stage.bound:.1f}"
    lines = [f"{stage.path} is {stage.verb}: {stage.elapsed:.1f}{limit} seconds"]
    most = max(1, min(MOST_SHOWN, height - LEFT_FREE - len(lines)))
    named = stage.waiting[:most]
    longest = max((len(each.path) for each in named), default=0)
    room = min(longest, max(10, width * 2 // 5))
    for each in named:
        where = _where(each, is_narrow=width < NARROW)
        lines.append(f"  {cut_left(each.path, room):<{room}}  {each.seconds:5.1f} s  {where}")
    if others := stage.waiting[most:]:
        lines.append(f"  and {len(others)} more")
    return lines


def _where(each: Waiting, *, is_narrow: bool) -> str:
    place = place_of(each.stack)
    if not place:
        return each.phase
    return place if is_narrow else f"{each.phase} at {place}"


def place_of(stack: tuple[str, ...]) -> str:
    """Returns ``app.py:12 in fetch``: the innermost line of the user's own; nothing if unknown."""
    if not stack:
        return ""
    file, _, rest = places.place_of(stack).removeprefix("at ").rpartition(":")
    short = Path(*Path(file).parts[-2:])
    with suppress(OSError, ValueError):  # it is elsewhere, or there is no here any more
        short = Path(file).relative_to(Path.cwd())
    return one_line(f"{short}:{rest}")


def cut_left(text: str, room: int) -> str:
    """Returns the end of ``text`` that fits into ``room`` characters."""
    return text if len(text) <= room else f"…{text[1 - room :]}"


def _as_text(lines: list[str], width: int) -> Text:
    from rich.text import Text

    texts = [Text(line, style="dim" if number else "bold") for number, line in enumerate(lines)]
    for text in texts:
        text.truncate(width - 1, overflow="ellipsis")
    return Text("\n").join([*texts, Text(" ")])  # where the cursor stands


def _live_on(stream: TextIO) -> Live:
    from rich.console import Console
    from rich.live import Live

    class Screen(Console):
        """A console that neither hides the cursor nor ends the process."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Live(
        console=Screen(file=stream, soft_wrap=True, highlight=False, markup=False, emoji=False),
        auto_refresh=False,
        transient=True,
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
    )
