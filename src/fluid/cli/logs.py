"""Sets up the log of a process that ``fluid run`` has begun; nothing else in fluid ever does.

A log is written to a pipe that breaks and to a disk that fills up. Neither is a concern of the
workers: what cannot be written is counted, and the count is the first line when it works again.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from importlib.util import find_spec
from typing import TextIO

from ..runtime.front import Front
from ..texts import error_text
from ..worker.living import inside
from .formats import JsonFormatter, PlainFormatter, TerminalFormatter, is_ours
from .fronts import JsonFront, PlainFront
from .refusal import is_open, needs_package
from .uncaught import log_uncaught

NOT_BY_WHO_RUNS: frozenset[str] = frozenset({"asyncio", "py.warnings", "python"})
"""Loggers that often speak from the garbage collector, which runs in whoever's code it likes."""

logger: logging.Logger = logging.getLogger("fluid.cli")


def set_up(
    *,
    level: str,
    format: str,  # noqa: A002 - as its option is called
    debug: bool,
    stream: TextIO | None = None,
) -> Front:
    """Configures the root logger, and returns the front that goes with it.

    Call it when the user's module has been imported: a root logger that has handlers by then was
    configured by the program, and is left as it is, level included. Log lines then look as the
    program wants them to, and one of them says so. Otherwise all records go to ``stream``, with the
    path of the worker whose code has made them, and so do Python's warnings and the errors that
    nobody can catch. A second call takes back the first.

    Args:
        level: The least important level that is written, by name.
        format: ``plain``, ``rich``, ``json``, or ``auto``: rich on a terminal if it is installed,
            else plain.
        debug: Whether everything is written, whatever ``level`` says.
        stream: Where to; stderr by default.

    Raises:
        Refusal: If ``format`` is rich and that is not installed.
    """
    stream = stream or sys.stderr
    stream = stream if is_open(stream) else _Nowhere()
    front, formatter = _parts(_chosen(format, stream), stream)
    root = logging.getLogger()
    for handler in _ours():
        root.removeHandler(handler)
    if root.handlers:
        logger.log(
            logging.INFO if format == "auto" else logging.WARNING,
            "the program has configured logging: --log-level and --log-format change nothing",
        )
        return front if format == "json" else PlainFront(stream)
    root.addHandler(LineHandler(formatter, front))
    root.setLevel(logging.DEBUG if debug else level.upper())
    logging.captureWarnings(True)
    log_uncaught()
    return front


def leave_stages_to_others() -> None:
    """Shows starts and stops of this process no more: it has a child with a front of its own."""
    for handler in _ours():
        handler.front.is_quiet = True


class LineHandler(logging.Handler):
    """Writes records, and never raises: a broken log is no reason for a worker to stop.

    Args:
        formatter: What makes a text of a record.
        front: What writes it.
    """

    def __init__(self, formatter: logging.Formatter, front: PlainFront) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.addFilter(note_worker)
        self.front: PlainFront = front
        self._lost: int = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Writes ``record``, and before it how many others could not be written."""
        try:
            if self._lost:
                self.front.write_line(self.format(self._apology()))
                self._lost = 0
            self.front.write_line(self.format(record))
        except Exception as error:  # disk full, nobody reads, closed
            self._lost += 1
            self._why = error_text(error)

    def _apology(self) -> logging.LogRecord:
        """Returns a record of what was lost. What was still in a buffer comes after all."""
        lines = "1 log line" if self._lost == 1 else f"up to {self._lost} log lines"
        text = f"{lines} could not be written and may be lost ({self._why})"
        return logging.makeLogRecord(
            {"name": "fluid.cli", "levelno": logging.WARNING, "levelname": "WARNING", "msg": text}
        )


def note_worker(record: logging.LogRecord) -> bool:
    """Notes on a record in whose code it was made; fluid's own know of whom they speak.

    Threads of ``asyncio.to_thread()`` count as the code of their worker, and so do its tasks.
    """
    if hasattr(record, "worker") or is_ours(record) or record.name in NOT_BY_WHO_RUNS:
        return True
    reference = inside.get()
    core = None if reference is None else reference()
    if core is not None:
        record.worker = core.path
    return True


class _Nowhere(io.StringIO):
    """Stands in for a stderr that is not there, or closed."""

    def write(self, text: str) -> int:
        return len(text)


def _ours() -> list[LineHandler]:
    return [each for each in logging.getLogger().handlers if isinstance(each, LineHandler)]


def _chosen(name: str, stream: TextIO) -> str:
    if name == "auto":
        is_terminal = getattr(stream, "isatty", bool)()  # what stands in for stderr may lack it
        return "rich" if is_terminal and _has_rich() else "plain"
    if name == "rich" and not _has_rich():
        raise needs_package("--log-format rich", "rich")
    return name


def _has_rich() -> bool:
    return find_spec("rich") is not None


def _parts(name: str, stream: TextIO) -> tuple[PlainFront, logging.Formatter]:
    match name:
        case "json":
            return JsonFront(stream), JsonFormatter()
        case "rich":
            from .display import TerminalFront, is_screen

            is_seen = is_screen(stream)
            colours = is_seen and not os.environ.get("NO_COLOR")  # https://no-color.org
            return TerminalFront(stream), TerminalFormatter(colours=colours, is_screen=is_seen)
        case _:
            return PlainFront(stream), PlainFormatter()
