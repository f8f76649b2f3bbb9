"""How a log record is written: as a plain line, a line for a terminal, or a line of JSON.

Pure: a record in, a text out. Whatever the record holds, the text cannot forge another record: in a
plain log only the first line of one begins at the margin, and nothing in it is a control character.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime

from ..texts import cut, error_text
from .readable import as_json, escaped, readable

INDENT = "\n    "
"""Stands before every line of a record but the first."""

COLOURS: tuple[tuple[int, str], ...] = (
    (logging.CRITICAL, "1;31"),
    (logging.ERROR, "31"),
    (logging.WARNING, "33"),
    (logging.INFO, "32"),
    (logging.NOTSET, "2"),
)
"""The colour of a level, and of those up to the next, as a terminal is told it."""

CLEAR_LINE = "\r\x1b[K"
OF_SIGNALS = "fluid.runtime"

STANDARD: frozenset[str] = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "worker", "taskName"}
)
"""What every record has. Anything else was passed as ``extra``."""


class PlainFormatter(logging.Formatter):
    """``2026-11-23T03:08:48.123Z INFO myapp [app/db]: connected``.

    The time is UTC: lines of machines in several zones sort, and no hour comes twice in autumn.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line, and what does not fit into one indented below it."""
        return laid_out(f"{utc(record)} {escaped(record.levelname)} {origin(record)}: ", record)


class TerminalFormatter(logging.Formatter):
    """``03:08:48 INFO     myapp [app/db]: connected``, in local time.

    Args:
        colours: Whether the terminal has any.
        is_screen: Whether it is one, and echoes what is typed: the ``^C`` before the line that
            tells of Ctrl-C.
    """

    def __init__(self, *, colours: bool, is_screen: bool) -> None:
        super().__init__()
        self._colours: bool = colours
        self._clear: str = CLEAR_LINE if is_screen else ""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line, and what does not fit into one indented below it."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = painted(f"{escaped(record.levelname):<8}", colour_of(record.levelno), self._colours)
        whose = "" if is_ours(record) else f"{origin(record)}: "
        clear = self._clear if record.name == OF_SIGNALS else ""
        return laid_out(f"{clear}{time:%H:%M:%S} {level} {whose}", record)


class JsonFormatter(logging.Formatter):
    """One object in one line of ASCII, what was passed as ``extra`` included.

    An ``extra`` that has the name of one of our own fields gets an underscore behind it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line of valid JSON."""
        fields: dict[str, object] = {
            "time": utc(record),
            "level": record.levelname,
            "logger": record.name,
        }
        if path := worker_of(record):
            fields["worker"] = path
        fields["message"] = message_of(record)
        if crash := traceback_of(record):
            fields["exception"] = crash
        if record.stack_info:
            fields["stack"] = cut(str(record.stack_info))
        for name, value in vars(record).items():
            if name not in STANDARD:
                fields[f"{name}_" if name in fields else str(name)] = value
        return f"{{{', '.join(f'{as_json(name)}: {as_json(fields[name])}' for name in fields)}}}"


# --- what is in a record -------------------------------------------------------------------------


def utc(record: logging.LogRecord) -> str:
    """Returns when the record was made, in ISO 8601 with milliseconds."""
    time = datetime.fromtimestamp(record.created, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def is_ours(record: logging.LogRecord) -> bool:
    """Returns whether it is one of fluid's own records, whose messages name the worker."""
    return str(record.name).partition(".")[0] == "fluid"


def worker_of(record: logging.LogRecord) -> str:
    """Returns the path of the worker that a record is about, or whose code has made it."""
    return readable(getattr(record, "worker", None) or "")


def origin(record: logging.LogRecord) -> str:
    """Returns the logger, and the worker where the message does not name it."""
    path = "" if is_ours(record) else escaped(worker_of(record))
    return f"{escaped(record.name)} [{path}]" if path else escaped(record.name)


def message_of(record: logging.LogRecord) -> str:
    """Returns the message; of a call with the wrong arguments, what it was called with."""
    try:
        return cut(record.getMessage())
    except Exception as error:
        called = f"{readable(record.msg)} {readable(record.args)}"
        return cut(f"{called} (cannot be put together: {error_text(error)})")


def traceback_of(record: logging.LogRecord) -> str:
    """Returns the traceback as text, and keeps it for others who write the same record."""
    if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
        record.exc_text = cut("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    return record.exc_text or ""


def colour_of(level: int) -> str:
    """Returns the colour of a level."""
    return next((colour for least, colour in COLOURS if level >= least), "")


def laid_out(head: str, record: logging.LogRecord) -> str:
    """Returns a record as text: its head, its message, its traceback."""
    parts = (message_of(record), traceback_of(record), cut(str(record.stack_info or "")))
    text = "\n".join(part.rstrip("\n") for part in parts if part)
    return head + INDENT.join(escaped(line) for line in text.replace("\r\n", "\n").split("\n"))


def painted(text: str, colour: str, colours: bool) -> str:
    """Returns ``text`` in a colour, if there are any."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colours and colour else text
