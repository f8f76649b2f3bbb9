"""The format of the file in which a process says how it is.

The file is written anew when there is something new; else only its time of change moves on, once a
second, for as long as the process looks after it. So whatever can read a file and its time can
judge a process; ``fluid health`` does in ``judging.py``.

It is one object of JSON: ``format``, ``pid`` and ``pid_space``, ``mute_for`` and ``blocked_by``
about the event loop, and the ``summary`` and the ``report`` of the tree.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ..texts import abridged

if TYPE_CHECKING:
    from .report import Report

FORMAT = 1
"""Changes when an older ``fluid health`` would misunderstand the file."""

MOST_BYTES = 256 * 1024
"""What is read of a file at the most. The largest report has about half of it."""

LONGEST_TEXT = 300
"""Characters of a path, and of what is said of a worker, that the file has."""


class Facts(NamedTuple):
    """What is in a file."""

    pid: int
    pid_space: str
    """The namespace that the number is of; empty where there are none."""
    mute_for: float
    """Seconds for which the event loop has not turned."""
    blocked_by: str
    """Who blocks it, and where, if that is known."""
    name: str
    summary: str
    is_live: bool
    is_ready: bool
    not_live: list[Any]
    not_ready: list[Any]


# --- writing -------------------------------------------------------------------------------------


def content(report: Report, *, pid: int, mute_for: float, blocked_by: str) -> bytes:
    """Returns what the file is to hold; the same for the same arguments."""
    facts = {
        "format": FORMAT,
        "pid": pid,
        "pid_space": pid_space(),
        "mute_for": mute_for,
        "blocked_by": _cut(blocked_by),
        "summary": _cut(report.summary),
        "report": {key: _cut_in(value) for key, value in report.as_dict().items()},
    }
    return json.dumps(facts).encode()


def _cut_in(value: Any) -> Any:
    """Returns a part of a report with all that is said of workers cut."""
    match value:
        case str():
            return _cut(value)
        case list():
            return [{key: _cut(text) for key, text in trouble.items()} for trouble in value]
        case _:
            return value


def _cut(text: str) -> str:
    return abridged(text, LONGEST_TEXT)


def pid_space() -> str:
    """Returns in which namespace our process ids have their meaning; empty if there is only one."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - pathlib takes long to import
    except OSError:
        return ""


# --- reading -------------------------------------------------------------------------------------


def parse(data: bytes) -> Facts:
    """Returns the facts in what a file holds.

    Raises:
        ValueError: If it is not what :func:`content` makes.
    """
    if len(data) > MOST_BYTES:
        raise ValueError("it is too large")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    match found:
        case {
            "format": 1,
            "pid": int(pid),
            "pid_space": str(space),
            "mute_for": int() | float() as mute_for,
            "blocked_by": str(blocked_by),
            "summary": str(summary),
            "report": {
                "name": str(name),
                "live": bool(is_live),
                "ready": bool(is_ready),
                "not_live": list(not_live),
                "not_ready": list(not_ready),
            },
        } if 0 < pid < 2**31:
            told = (name, summary, is_live, is_ready, not_live, not_ready)
            return Facts(pid, space, mute_for, blocked_by, *told)
        case {"format": int(other)} if other != FORMAT:
            raise ValueError("it is that of another version of fluid")
        case _:
            raise ValueError("it is not a health file")
