"""What was wrong with what a process has shown of itself before ``make signals`` killed it. Pure.

Whoever looks on is told nothing that is not so: ready as long as it is and no longer, a stop before
it begins, and a last word that is the exit code's.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from fluid.runtime.exit_codes import SIGNALLED

from .signals_records import Life
from .signals_rules import AT_ONCE, Kind, requests

OBEYED = 0.05
"""Seconds after which a signal has been obeyed, if the event loop turns."""

SOME = {"READY", "STOPPING"}
"""What systemd has to be told once, and in this order."""

STATES = (200, 503)
"""What a probe may be answered."""


def wrong_sights(kind: Kind, life: Life) -> list[str]:
    """Returns what was wrong with what was to be seen of a life, in words."""
    return [
        *_wrong_told(life),
        *_wrong_last_status(life),
        *_wrong_answers(life),
        *_wrong_files(life),
        *_wrong_delay(kind, life),
    ]


def has_said_all(life: Life) -> bool:
    """Returns whether it came to the end of what it has to say and to tidy up."""
    return 0 <= life.code < SIGNALLED


# --- systemd -------------------------------------------------------------------------------------


def _wrong_told(life: Life) -> Iterator[str]:
    if not life.asked.systemd:
        return
    words = [word for text in life.sights.told if (word := text.partition("=")[0]) in SOME]
    if words not in ([], ["READY"], ["STOPPING"], ["READY", "STOPPING"]):
        yield f"systemd was told {', '.join(words)}"
    if "READY" in words and "ready" not in life.marks:
        yield "systemd was told READY, and it was not"
    was_killed = life.code < 0 or len(requests(life.sent)) > 2
    if "stopping" in life.marks and "STOPPING" not in words and not was_killed:
        yield "systemd was not told STOPPING"


def _wrong_last_status(life: Life) -> Iterator[str]:
    """Yields what was wrong with the last words, those of an exit that was cut short included."""
    if not (life.asked.systemd and has_said_all(life)):
        return
    lines = [line for text in life.sights.told for line in text.splitlines()]
    last = next((line for line in lines[::-1] if line.startswith("STATUS=")), "none")
    if last.partition(": ")[0] != f"STATUS=exit code {life.code}":
        yield f"the last status was {last}"


# --- clients, and the file -----------------------------------------------------------------------


def _wrong_answers(life: Life) -> Iterator[str]:
    ready_at = life.marks.get("ready", inf)
    first = life.sent[0].at if life.sent else inf
    ends_at = min(first + OBEYED, life.marks.get("stopping", inf) + AT_ONCE)
    for asked_at, answered_at, status in life.sights.answers:
        if status not in STATES:
            yield f"/readyz was answered {status}"
        if status == 200 and answered_at < ready_at - AT_ONCE:
            yield f"/readyz was 200, {ready_at - answered_at:.3f} seconds before it was ready"
        if status == 200 and asked_at > ends_at:
            yield f"/readyz was 200, {asked_at - ends_at:.3f} seconds after its end had begun"


def _wrong_files(life: Life) -> Iterator[str]:
    if life.sights.left and has_said_all(life):
        yield f"left behind: {', '.join(life.sights.left)}"
    if life.sights.is_taken_for_live:
        yield "by its health file it was live, when it was gone"


# --- the drain delay -----------------------------------------------------------------------------


def worked_on(kind: Kind, life: Life) -> float | None:
    """Returns the seconds from the request to stop to its reaching the workers.

    None where there was no reason to wait: no delay, nobody ready, a second signal, or one who ends
    by himself.
    """
    stopping_at = life.marks.get("stopping", inf)
    counted = [each.at for each in requests(life.sent) if each.at < stopping_at]
    if not life.asked.drain_delay or len(counted) != 1 or "stopping" in kind.marks:
        return None
    if life.marks.get("ready", inf) + AT_ONCE > counted[0]:
        return None
    return stopping_at - counted[0]


def _wrong_delay(kind: Kind, life: Life) -> Iterator[str]:
    seconds = worked_on(kind, life)
    if seconds is not None and seconds < life.asked.drain_delay - AT_ONCE:
        yield f"work went on for {seconds:.2f} of {life.asked.drain_delay:g} seconds"
