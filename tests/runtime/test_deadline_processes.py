"""Processes whose workers do not end: they are gone by their deadline, and their code says why.

All of them misbehave at the same time, because what they do is to wait.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from signal import SIGINT, SIGTERM
from typing import NamedTuple

import pytest

from tests.runtime.conftest import End, Process
from tests.runtime.misbehaviour import CAST

pytestmark = pytest.mark.real

DEADLINE = 0.5
SLACK = 0.5
"""Seconds after it in which a process has to be gone."""

OVER = "it was not gone 0.5 seconds after it had to stop"
WARNING = "app may need 17.0 seconds to stop"
"""What is said at the start, if that was over in time."""
FROM_C = 'File "'
"""The last line of a dump of ``faulthandler``."""


class Case(NamedTuple):
    """One kind of misbehaviour, and the end that it comes to."""

    kind: str
    code: int
    last: str
    """What the last line on stderr has to say; if nothing, there is none."""
    signals: tuple[int, ...] = (SIGTERM,)
    """What it is sent; if nothing, the tree stops by itself."""
    loop: str = "asyncio"
    is_in_code: bool = False
    """Whether it is ``fluid.run()`` that runs it."""

    def __str__(self) -> str:
        told = ("by itself", "told", "told twice")[len(self.signals)]
        return f"{self.kind} {told}{', in code' * self.is_in_code}, {self.loop}"

    @property
    def program(self) -> str:
        """What the process does, after the cast has been introduced."""
        if self.is_in_code:
            return f"run(Workers({self.kind}(), name='app'), deadline={DEADLINE})"
        return (
            f"main({self.kind!r}, {not self.signals}, deadline={DEADLINE}, "
            f"loop_factory=loop_factory)"
        )


CASES = [
    # --- told by a signal ---
    Case("Good", 0, ""),
    Case("Deaf", 1, "app/deaf was abandoned"),
    Case("Deaf", 1, "app/deaf was abandoned", loop="uvloop"),
    Case("DeafCleanup", 1, "app/deaf_cleanup was abandoned"),
    Case("SlowCleanup", 1, "app/slow_cleanup failed (CleanupTimeoutError: "),
    Case("SlowStart", 0, ""),
    Case("BlockingStart", 4, OVER),
    Case("Blocking", 4, OVER),
    Case("Blocking", 4, OVER, loop="uvloop"),
    Case("Spinning", 4, OVER),
    Case("StuckInC", 4, OVER),
    Case("BlockingThread", 4, OVER),
    Case("OtherThread", 4, OVER),
    Case("LeftTask", 4, OVER),
    Case("LeftGenerator", 4, OVER),
    Case("AtExit", 4, OVER),
    Case("FullLog", 4, ""),
    Case("FullStdout", 4, OVER),
    Case("KeepingTheInterpreter", 1, FROM_C),
    Case("Finalizing", 1, FROM_C),
    Case("OtherThread", 4, OVER, is_in_code=True),
    Case("AtExit", 4, OVER, is_in_code=True),
    Case("Finalizing", 1, FROM_C, is_in_code=True),
    # --- by itself ---
    Case("Deaf", 1, "app/deaf was abandoned", signals=()),
    Case("SlowCleanup", 1, "app/slow_cleanup failed (CleanupTimeoutError: ", signals=()),
    Case("BlockingCleanup", 4, OVER, signals=()),
    Case("OtherThread", 4, OVER, signals=()),
    Case("AtExit", 4, OVER, signals=()),
    Case("Finalizing", 1, FROM_C, signals=()),
    # --- with a cause for another code, which is lower, and one that is higher ---
    Case("nothing", 4, f"{OVER}; app:main has to make a worker, not None", signals=()),
    Case("FailingStart", 4, f"{OVER}; app/failing_start did not start (ValueError: no", signals=()),
    Case("Failing", 4, f"{OVER}; app/failing failed (ValueError: no", signals=()),
    Case("Quitting", 4, f"{OVER}; app/quitting failed (SystemExit: 7", signals=()),
    Case("Blocking", 130, f"told again to stop (SIGINT); {OVER}", signals=(SIGTERM, SIGINT)),
    Case("AtExit", 143, "", signals=(SIGINT, SIGTERM)),
]


class Found(NamedTuple):
    """What became of a process."""

    end: End
    seconds: float
    """From the request to stop to the end."""


def outcome(case: Case, process: Process) -> Found:
    """Has a process end, and returns what became of it."""
    began = time.monotonic()
    for number in case.signals:
        process.signal(number)
        time.sleep(0.1 * (number != case.signals[-1]))  # two at once come in an order of their own
    if not case.signals:
        process.say("end")
    end = process.end()
    return Found(end, time.monotonic() - began)


@pytest.fixture(scope="module")
def outcomes():
    """Returns what became of all of them."""
    processes = [Process(CAST, case.program, loop=case.loop) for case in CASES]
    for process in processes:
        process.wait_for("running")
    with ThreadPoolExecutor(len(CASES)) as threads:
        found = threads.map(outcome, CASES, processes)
        return dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_process_is_gone_by_its_deadline_and_says_why(outcomes, case):
    """F11, Z01, Z03, Z10, Z12; PEERS 14, 19"""
    (code, _, lines), seconds = outcomes[case]
    errors = [line for line in lines if not line.startswith(WARNING)]
    assert code == case.code, errors
    assert seconds <= DEADLINE + SLACK
    assert case.last in errors[-1] if case.last else not errors


each_dump = pytest.mark.parametrize(
    "case", [case for case in CASES if case.last.startswith(OVER)], ids=str
)


@each_dump
def test_a_process_that_overruns_shows_where_its_threads_are(outcomes, case):
    """Z12, X02"""
    (_, _, errors), _ = outcomes[case]
    assert "threads:" in errors
    assert any(line.startswith("  MainThread") for line in errors)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("Blocking", "in for_ever"),
        ("Spinning", "in spin"),
        ("StuckInC", "in lock_twice"),
        ("BlockingCleanup", "in for_ever"),
        ("LeftTask", "in deaf"),
        ("AtExit", "in for_ever"),
        ("KeepingTheInterpreter", "in on_shutdown"),
        ("Finalizing", "in __del__"),
    ],
)
def test_the_dump_names_the_line_that_hangs(outcomes, kind, place):
    """Z12"""
    case = next(case for case in CASES if case.kind == kind)
    assert any(place in line for line in outcomes[case].end.errors)
