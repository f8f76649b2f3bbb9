"""What is said outside of the log: dumps, and the last words, plainly or as JSON.

Both may come when the log is stuck or closed, so they go straight to the stream.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TextIO

from ..runtime.front import Front
from ..runtime.stages import Stage
from .formats import JsonFormatter

LOGGER = "fluid.runtime"


class PlainFront(Front):
    """Says it as text, and lets log lines tell how far a start or a stop is.

    Args:
        stream: Where to.
    """

    is_quiet: bool = False
    """Whether starts and stops are not shown."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream: TextIO = stream

    def stage(self, stage: Stage) -> None:
        """Writes log lines, or nothing if it is quiet."""
        if not self.is_quiet:
            super().stage(stage)

    def dump(self, text: str) -> None:
        """Writes ``text`` as it is."""
        self.write(text)

    def last_words(self, text: str, code: int) -> None:
        """Writes ``text`` as it is."""
        self.write(text)

    def write(self, text: str) -> None:
        """Writes one line, or several, if that can be done."""
        with suppress(OSError, ValueError):  # disk full, nobody reads, closed
            self.write_line(text)

    def write_line(self, text: str) -> None:
        """Writes what a log handler has to write.

        Raises:
            OSError: If that cannot be done; ValueError if the stream is closed.
        """
        self._stream.write(f"{text}\n")
        self._stream.flush()


class JsonFront(PlainFront):
    """Says it as log records: each is one object in one line.

    Args:
        stream: Where to.
    """

    def dump(self, text: str) -> None:
        """Writes ``text`` as the message of one record."""
        self._write_record(logging.WARNING, text)

    def last_words(self, text: str, code: int) -> None:
        """Writes ``text`` as the message of one record, and the code as its ``exit_code``."""
        self._write_record(logging.ERROR if code else logging.INFO, text, exit_code=code)

    def _write_record(self, level: int, text: str, **extra: object) -> None:
        name = logging.getLevelName(level)
        fields = {"name": LOGGER, "levelno": level, "levelname": name, "msg": text, **extra}
        self.write(JsonFormatter().format(logging.makeLogRecord(fields)))
