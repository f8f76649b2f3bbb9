"""The file in which a process says how it is: its format, and how it is judged by ``fluid health``.

A probe runs every few seconds, so this imports next to nothing. The file is written anew when there
is something new; else only its time of change moves on, once a second, for as long as the process
looks after it. So whatever can read a file and its time can judge a process.

It is one object of JSON: ``format``, ``pid`` and ``pid_space``, ``mute_for`` and ``blocked_by``
about the event loop, and the ``summary`` and the ``report`` of the tree.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..texts import abridged

if TYPE_CHECKING:
    from .report import Report

FORMAT = 1
"""Changes when an older ``fluid health`` would misunderstand the file."""

MOST_AGE = 10.0
"""Seconds since the file was last touched after which nobody looks after it any more.

That are ten touches in vain. A disk that is busy may delay some; a process that is stopped, or was
killed without another one to see it, delays all.
"""

MOST_MUTE = 5.0
"""Seconds for which the event loop may not turn until the process is not live.

Who gets no answer waits for it as with an HTTP probe, whose time-out on Kubernetes is one second,
and three of which have to fail in a row. A restart costs more than the answer of a loop that is
late, so it is five seconds here; and less than the ten after which the next probe usually comes,
so that no longer block is missed.
"""

MOST_BYTES = 256 * 1024
"""What is read of a file at the most. The largest report has about half of it."""

LONGEST_TEXT = 300
"""Characters of a path, and of what is said of a worker, that the file has."""


class Question(StrEnum):
    """What is asked about a process."""

    LIVE = "live"
    """Whether it makes sense to let it go on."""
    READY = "ready"
    """Whether it makes sense to send it work."""


class Verdict(NamedTuple):
    """The answer."""

    is_good: bool
    line: str
    """The answer and its reason, in one line; it may have to be escaped."""


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


def ask(question: Question, path: str) -> Verdict:
    """Answers a question from the file at ``path``; what is wrong with the file is an answer too.

    Returns:
        A verdict: never an error, and never good unless the file says so.
    """
    try:
        data, touched_at = _read(path)
        facts = parse(data)
    except FileNotFoundError:
        return _no(
            question,
            f"there is no file {path}; a process that is started with  --health-file {path}  "
            f"keeps one there while it runs",
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return _no(question, f"{path} cannot be read: {why}")
    return judge(question, facts, _now() - touched_at, path, is_gone=_is_gone(facts))


def _read(path: str) -> tuple[bytes, float]:
    """Returns the beginning of a file, and when it was last touched, without waiting for a pipe."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    with os.fdopen(os.open(path, flags), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not a file")
        return file.read(MOST_BYTES + 1), about.st_mtime


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


def _is_gone(facts: Facts) -> bool:
    """Returns whether the process has ended; False if its id is one of another container."""
    if facts.pid_space != pid_space():
        return False
    try:
        os.kill(facts.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's, and there
        return False
    return False


def kept_by(path: str) -> int:
    """Returns the id of the process that looks after a health file, and 0 if none is known to."""
    try:
        data, touched_at = _read(path)
        facts = parse(data)
    except (OSError, ValueError):
        return 0
    is_kept = -MOST_AGE <= _now() - touched_at <= MOST_AGE and not _is_gone(facts)
    return facts.pid if is_kept and facts.pid_space == pid_space() else 0


def _now() -> float:
    return time.time()  # noqa: TID251 - to compare it with the time of a file; there is no loop


# --- judging -------------------------------------------------------------------------------------


def judge(question: Question, facts: Facts, age: float, path: str, *, is_gone: bool) -> Verdict:
    """Answers a question from the facts.

    Args:
        question: The question.
        facts: What the file says.
        age: Seconds since it was last touched; less than 0 if the clock was set back since.
        path: Where it is.
        is_gone: Whether the process that touches it has ended.
    """
    if is_gone:
        return _no(question, f"process {facts.pid}, which kept {path}, is gone")
    if not -MOST_AGE <= age <= MOST_AGE:
        return _no(
            question,
            f"{path} was last touched {age:.0f} s ago, and ought to be once a second: process "
            f"{facts.pid} hangs, is stopped, or waits for its disk",
        )
    if not facts.mute_for < MOST_MUTE:
        by = f"; it is blocked by {facts.blocked_by}" if facts.blocked_by else ""
        what = f"the event loop of {facts.name} has not turned for {facts.mute_for:.0f} s{by}"
        return _no(question, what)
    if not facts.is_live:
        return _no(question, _told(facts.not_live) or f"{facts.name} is {facts.summary}")
    if question is Question.READY and not facts.is_ready:
        return _no(question, f"{facts.name} is {facts.summary}")
    return Verdict(True, f"{question.value}: {facts.name} is {facts.summary}")


def _no(question: Question, why: str) -> Verdict:
    return Verdict(False, f"not {question.value}: {why}")


def _told(troubles: list[Any]) -> str:
    return "; ".join(f"{path} {what}" for each in troubles for path, what in _words(each))


def _words(trouble: object) -> Iterable[tuple[str, str]]:
    match trouble:
        case {"worker": str(path), "what": str(what)}:
            yield path, what
