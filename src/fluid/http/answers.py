"""What is answered to each question about a tree of workers: a status, headers and a body.

Plain text for those who ask by a probe, and for the human who wonders why it failed: the first line
is the verdict, then comes one line for each trouble. JSON for programs. Never HTML, and nothing
that a worker has said can forge a line, end a string, or make an answer long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from ..health import Phase, Report
from ..texts import cut, one_line

OK, FORBIDDEN, NOT_FOUND, NOT_ALLOWED, FAILED, UNAVAILABLE = 200, 403, 404, 405, 500, 503

TEXT, JSON = "text/plain; charset=utf-8", "application/json"
METRICS = "text/plain; version=0.0.4; charset=utf-8"

LONGEST_LINE = 300
"""Characters that are told of one trouble."""
LONGEST_TEXT = 500
"""Characters of any one text in JSON."""
MOST_ITEMS = 1000
"""Entries of any one list or object in JSON."""
DEEPEST = 100
"""Objects and lists inside each other in JSON; a tree takes two for each level."""

_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Answer(NamedTuple):
    """An answer, ready to be sent any number of times."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def answer(status: int, kind: str, body: bytes, **others: str) -> Answer:
    """Returns an answer.

    Args:
        status: Of HTTP.
        kind: The type of the content.
        body: The content.
        **others: Further headers, by their names.
    """
    headers = {"content-type": kind, "content-length": str(len(body)), **others}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Answer(status, [*encoded, *_ALWAYS], body)


def text(status: int, *lines: object, **others: str) -> Answer:
    """Returns an answer in plain text, each line of it bounded and unable to forge another."""
    told = [one_line(cut(str(line), LONGEST_LINE)) for line in lines]
    return answer(status, TEXT, "".join(f"{line}\n" for line in told).encode(), **others)


def live(report: Report) -> Answer:
    """Returns whether it makes sense to let the process go on."""
    if report.is_live:
        return text(OK, "ok")
    return text(UNAVAILABLE, "not live", *report.not_live)


def ready(report: Report) -> Answer:
    """Returns whether it makes sense to send it work; yes, also while some of it is down."""
    if not report.is_ready:
        verdict, phase = Phase.NOT_READY, report.phase
        why = "" if phase is verdict else f": {phase}"
        return text(UNAVAILABLE, f"{verdict}{why}", *report.not_ready, *report.degraded)
    if report.degraded:
        return text(OK, "ok, degraded", *report.degraded)
    return text(OK, "ok")


def status(report: Report, tree: Mapping[str, Any]) -> Answer:
    """Returns all there is to say, for programs."""
    facts = _bounded({"health": report.as_dict(), "tree": tree}, DEEPEST)
    return answer(OK, JSON, json.dumps(facts, separators=(",", ":")).encode() + b"\n")


def unknown(paths: Iterable[str]) -> Answer:
    """Returns that there is no such thing, and what there is."""
    return text(NOT_FOUND, "not found", *(f"there is {path}" for path in paths))


def _bounded(value: Any, depth: int) -> Any:
    """Returns JSON-able data with nothing in it that is too long, too deep, or no JSON."""
    match value:
        case str():
            return value if len(value) <= LONGEST_TEXT else cut(value, LONGEST_TEXT)
        case None | bool() | int():
            return value
        case dict() if depth:
            some = value.items() if len(value) <= MOST_ITEMS else list(value.items())[:MOST_ITEMS]
            return {cut(str(key), LONGEST_TEXT): _bounded(each, depth - 1) for key, each in some}
        case float() if isfinite(value):
            return value
        case list() | tuple() if depth:
            return [_bounded(each, depth - 1) for each in value[:MOST_ITEMS]]
        case float():
            return None
    return f"<{type(value).__name__}>"
