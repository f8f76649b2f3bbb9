"""What a process may do that ``make signals`` has killed, and what was wrong with one. Pure.

A life is judged by its own marks: how far it had come when the signals were sent, and what it did
after that. So nothing here depends on how fast the machine is, but for the limits of time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from fluid.runtime.exit_codes import CLEAN, OVERRAN, SIGNALLED, START_FAILED, UNFINISHED
from fluid.runtime.signal_count import Request, SignalCount

from .signals_records import Life, Sent

TO_READY = ("", "importing", "imported", "making", "starting", "started", "running", "ready")
TO_EXIT = (*TO_READY, "stopping", "cleaning", "ended", "exiting")
"""The marks of a life, in their order; the first stands for the exec itself."""

NONE: Mapping[str, int] = MappingProxyType({})
"""No code but 0."""

SLACK = 0.5
"""Seconds that a process may take beyond its deadline, or to die on the spot, unless said."""

AT_ONCE = 0.01
"""Seconds in which a signal that was sent has arrived, and a mark that was written is true."""

TOGETHER = 0.2
"""Seconds in which two signals may be handled in any order, on a machine that is busy."""


class Kind(NamedTuple):
    """A way to behave."""

    name: str
    """The function of the cast."""
    codes: Mapping[str, int] = NONE
    """The exit codes from some mark on; until then, and without any, it is 0."""
    marks: tuple[str, ...] = TO_READY
    """Those that a life has which no signal disturbs."""
    is_loud: bool = False
    """Whether it fails with an error, whose traceback is on stderr, as it should be."""
    is_deaf: bool = False
    """Whether no signal handler can run any more, when it hangs."""
    is_abandoned: bool = False
    """Whether it never comes to its cleanup, as its run refuses to end."""


KINDS = (
    Kind("well_behaved"),
    Kind("pipeline"),
    Kind("ends", marks=TO_EXIT),
    Kind("fails", {"failing": UNFINISHED}, TO_EXIT, is_loud=True),
    Kind("exits", {"failing": 64}, TO_EXIT, is_loud=True),
    Kind("fails_to_start", {"failing": START_FAILED}, TO_EXIT, is_loud=True),
    Kind("hangs_in_start", marks=TO_READY[:-3]),
    Kind("hangs_in_cleanup", {"cleaning": UNFINISHED}, is_loud=True),
    Kind("deaf", {"running": UNFINISHED}, is_abandoned=True),
    Kind("leaves_a_handler", {"hanging": UNFINISHED}, (*TO_READY, "hanging")),
    Kind("leaves_a_task", {"hanging": OVERRAN}, (*TO_READY, "hanging")),
    Kind("sleeps_in_the_loop", {"hanging": OVERRAN}, (*TO_READY, "hanging")),
    Kind("computes_in_the_loop", {"hanging": OVERRAN}, (*TO_READY, "hanging")),
    Kind("computes_in_c", {"hanging": OVERRAN}, (*TO_READY, "hanging"), is_deaf=True),
    Kind("blocks_an_executor", {"hanging": OVERRAN}, (*TO_READY, "hanging")),
    Kind("blocks_a_thread", {"hanging": OVERRAN}, (*TO_READY, "hanging")),
    Kind("hangs_at_exit", {"hanging": OVERRAN}, (*TO_EXIT[:-1], "hanging")),
)


def phase(life: Life, at: float) -> str:
    """Returns the last mark that a life had made by then; none before the first."""
    made = [(when, mark) for mark, when in life.marks.items() if when <= at]
    return max(made)[1] if made else ""


def faults(kind: Kind, life: Life, deadline: float, slack: float = SLACK) -> list[str]:
    """Returns what was wrong with a life, in words."""
    return [
        *_wrong_code(kind, life),
        *_wrong_time(kind, life, deadline, slack),
        *_wrong_hooks(kind, life),
        *_wrong_words(kind, life),
    ]


# --- codes ---------------------------------------------------------------------------------------


def codes(kind: Kind, life: Life) -> set[int]:
    """Returns the exit codes that a life may end with."""
    if not life.sent:
        return {natural(kind, life)}
    first = life.sent[0]
    if first.at + AT_ONCE < life.marks.get("imported", inf):
        return {-first.number}
    found = _handled(kind, life)
    if first.at - AT_ONCE < life.marks.get("making", inf):  # while they are being taken
        found.add(-first.number)
    return found


def natural(kind: Kind, life: Life) -> int:
    """Returns the exit code by what it did, as if no signal had come twice.

    An error before the root was ready is a start that failed, also if it comes from a stop.
    """
    reached = [code for mark, code in kind.codes.items() if mark in life.marks]
    code = reached[-1] if reached else CLEAN
    is_early = kind.is_loud and code == UNFINISHED and "ready" not in life.marks
    return START_FAILED if is_early else code


def _handled(kind: Kind, life: Life) -> set[int]:
    counted = requests(life.sent)
    alone = natural(kind, life)
    if len(counted) == 1:
        return {alone}
    first, second, *more = counted
    found = {SIGNALLED + second.number}
    if second.at - first.at < TOGETHER:
        found.add(SIGNALLED + first.number)
    if more:
        found.add(SIGNALLED + more[0].number)
    hears_until = life.marks.get("hanging", inf) if kind.is_deaf else inf
    if second.at + AT_ONCE >= min(life.marks.get("exiting", inf), hears_until, life.gone_at):
        found.add(alone)
    return found


def requests(sent: tuple[Sent, ...]) -> list[Sent]:
    """Returns the signals that count, up to the one that kills."""
    count = SignalCount()
    return [each for each in sent if count.count(*each) is not Request.NOTHING][:3]


def _wrong_code(kind: Kind, life: Life) -> Iterator[str]:
    if life.code not in (allowed := codes(kind, life)):
        yield f"exit code {life.code} instead of {' or '.join(map(str, sorted(allowed)))}"


# --- time ----------------------------------------------------------------------------------------


def due(life: Life, deadline: float) -> float:
    """Returns when it has to be gone, on a machine that takes no time for anything."""
    first = life.sent[0].at if life.sent else inf
    if first + AT_ONCE < life.marks.get("imported", inf):
        return first
    return min(first, life.marks.get("stopping", inf)) + deadline


def _wrong_time(kind: Kind, life: Life, deadline: float, slack: float) -> Iterator[str]:
    late = life.gone_at - due(life, deadline)
    if late > slack:
        yield f"gone {late:.2f} seconds after its deadline"
    if life.code == OVERRAN and late < -AT_ONCE:
        yield f"exit code 4, and {-late:.2f} seconds before its deadline"
    third = requests(life.sent)[2:]
    can_hear = not (kind.is_deaf and "hanging" in life.marks)
    if third and can_hear and (late := life.gone_at - third[0].at) > slack:
        yield f"gone {late:.2f} seconds after the third signal"


# --- hooks, words --------------------------------------------------------------------------------


def _wrong_hooks(kind: Kind, life: Life) -> Iterator[str]:
    was_cut_short = life.code == OVERRAN or life.code > SIGNALLED or life.code < 0
    if "cleaning" in life.marks and "started" not in life.marks:
        yield "on_shutdown() was called, and on_startup() had not returned"
    was_lost = was_cut_short or (kind.is_abandoned and "running" in life.marks)
    if "started" in life.marks and "cleaning" not in life.marks and not was_lost:
        yield "on_startup() had returned, and on_shutdown() was not called"


NEVER = ("Exception ignored", "Fatal Python error", "never awaited", "was destroyed", "Timeout (")
"""What has no place on stderr; the last is what Python's faulthandler begins with."""


def _wrong_words(kind: Kind, life: Life) -> Iterator[str]:
    for words in NEVER if kind.is_loud else (*NEVER, "Traceback ("):
        if words in life.errors:
            yield f"{words!r} on stderr"
    if 0 < life.code < SIGNALLED and f"exit code {life.code}: " not in life.errors:
        yield "no last line that says why"


def name_of(code: int) -> str:
    """Returns an exit code in words."""
    if code < 0:
        return f"-{signal.Signals(-code).name}"
    return f"128+{signal.Signals(code - SIGNALLED).name}" if code > SIGNALLED else str(code)
