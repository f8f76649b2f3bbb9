"""Processes that are told to stop in the middle of 100,000 messages: what becomes of each of them.

The signal comes while the handler of message 20,000 blocks. From there on the handlers are quick,
and all is handled in time; or slow, and most of it is left when the grace is over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import NamedTuple

import pytest

from tests.runtime.conftest import Process

pytestmark = pytest.mark.real

Start = Callable[..., Process]

MESSAGES = 100_000

KINDS = """
import json
from pathlib import Path
from fluid import BatchConsumer, ConsumerClosed

handled = []
told = []

class Plain(QueueConsumerWorker):
    pace = 0.0
    cancel_period, cleanup_period = 0.1, 1.0
    async def on_message(self, message):
        await self.see([message])
    async def see(self, messages):
        if messages[-1] >= 20_000:
            if not told:
                told.append(True)
                say("in the middle")
                input()
            if self.pace:
                await asyncio.sleep(self.pace)
        handled.extend(messages)

class Pool(Plain):
    def __init__(self, **options):
        super().__init__(concurrency=10, **options)

class Batch(BatchConsumer):
    pace, see = Plain.pace, Plain.see
    cancel_period, cleanup_period = 0.1, 1.0
    async def on_batch(self, messages):
        await self.see(messages)

def live(consumer, folder):
    try:
        run(consumer)
    finally:
        (folder / "handled").write_text(json.dumps(handled))
        print(json.dumps(dict(consumer.worker_exit.account)))
"""

SENT_BEFORE = f"""
for number in range({MESSAGES}):
    consumer.send(number)
"""

GRACE = 0.05
BOUND = GRACE + 2 * 0.1 + 1.0
"""Seconds that a stop may take."""
SLACK = 1.5
"""Seconds that two slow processors take to end a process."""


class Outcome(NamedTuple):
    """What became of a process, and of its messages."""

    code: int
    lines: list[str]
    account: dict[str, int]
    handled: list[int]
    left: list[int]
    seconds: float
    """From the signal to the end."""
    errors: list[str]


def outcome(process: Process, folder: Path) -> Outcome:
    """Tells a process to stop in the middle, and returns what became of it."""
    process.wait_for("in the middle")
    process.signal(SIGTERM)
    process.say("go on")
    began = time.monotonic()
    code, lines, errors = process.end()
    seconds = time.monotonic() - began
    left = folder / "left"
    return Outcome(
        code,
        lines,
        json.loads(lines[-1]),
        json.loads((folder / "handled").read_text()),
        json.loads(left.read_text()) if left.exists() else [],
        seconds,
        errors,
    )


each_kind = pytest.mark.parametrize("kind", ["Plain", "Pool", "Batch"])


@each_kind
def test_what_can_be_handled_within_the_grace_is_and_the_exit_code_is_0(
    start: Start, tmp_path: Path, kind: str
) -> None:
    """U09, U01"""
    process = start(
        KINDS,
        f"consumer = {kind}(name='q', stopping_grace_period=20)",
        SENT_BEFORE,
        f"live(consumer, Path({str(tmp_path)!r}))",
    )
    found = outcome(process, tmp_path)
    assert found.code == 0, found.errors
    assert found.account["handled"] == found.account["accepted"] == MESSAGES
    assert found.handled == list(range(MESSAGES))
    assert not found.errors


@each_kind
def test_what_is_left_when_the_grace_is_over_is_handed_back_and_the_exit_code_is_1(
    start: Start, tmp_path: Path, kind: str
) -> None:
    """U09, U02: each message is handled or in the file, and none is both."""
    process = start(
        KINDS,
        f"""
        class Keeping({kind}):
            pace = 0.01
            async def on_undelivered(self, messages):
                (folder / "left").write_text(json.dumps(messages))
        folder = Path({str(tmp_path)!r})
        consumer = Keeping(name='q', stopping_grace_period={GRACE})
        """,
        SENT_BEFORE,
        "live(consumer, folder)",
    )
    found = outcome(process, tmp_path)
    assert found.code == 1, found.errors
    assert found.seconds <= BOUND + SLACK
    assert sorted([*found.handled, *found.left]) == list(range(MESSAGES))
    assert found.account == {
        "accepted": MESSAGES,
        "handled": len(found.handled),
        "dead": 0,
        "dropped": 0,
        "returned": len(found.left),
        "queued": 0,
        "in_hand": 0,
    }
    assert len(found.left) > MESSAGES / 2
    assert found.errors[-1] == "q: exit code 1: q was stopped by force"


def test_what_nobody_takes_is_counted_and_the_last_line_says_how_much(
    start: Start, tmp_path: Path
) -> None:
    """U09, U02"""
    process = start(
        KINDS,
        f"""
        consumer = Plain(name='q', stopping_grace_period={GRACE})
        consumer.pace = 0.01
        """,
        SENT_BEFORE,
        f"live(consumer, Path({str(tmp_path)!r}))",
    )
    found = outcome(process, tmp_path)
    lost = MESSAGES - len(found.handled)
    assert found.code == 1, found.errors
    assert found.account["dropped"] == lost > MESSAGES / 2
    assert found.errors[-1] == (
        f"q: exit code 1: q was stopped by force; q left {lost} messages undelivered"
    )


def test_what_a_thread_sends_in_a_burst_around_the_signal_is_refused_or_handled(
    start: Start, tmp_path: Path
) -> None:
    """U09, U03"""
    process = start(
        KINDS,
        f"""
        def produce():
            for number in range(10 ** 9):
                try:
                    consumer.put_threadsafe(number)
                except ConsumerClosed:
                    say("accepted", number)
                    return
        consumer = Plain(name='q', stopping_grace_period=20, maxsize=1000)
        thread = threading.Thread(target=produce)
        thread.start()
        live(consumer, Path({str(tmp_path)!r}))
        """,
    )
    found = outcome(process, tmp_path)
    count = found.account["accepted"]
    assert found.code == 0, found.errors
    assert f"accepted {count}" in found.lines
    assert found.handled == list(range(count))
