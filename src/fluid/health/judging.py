"""Judges a process by its health file: what ``fluid health`` answers.

A probe runs every few seconds, so this imports next to nothing.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from .file import MOST_BYTES, Facts, parse, pid_space

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
