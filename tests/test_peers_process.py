"""What goes wrong in other systems when a process has to end, and must not here: one test a rule.

The rows are those of the comparison table; each was reproduced on the system that it names. What
real processes do, whatever their workers do, is in ``tests/runtime``.
"""

from __future__ import annotations

import asyncio
import signal
import time
from math import inf

import pytest

from fluid import Supervisor, Worker, Workers
from fluid.runtime import process
from tests.contract.cast import BoomError, Failing, Idle
from tests.runtime.conftest import Process
from tests.runtime.misbehaviour import CAST
from tests.runtime.playing import Play, sends, stop

pytestmark = pytest.mark.real

LIMIT = 0.5
"""Seconds of the deadlines in here."""

SLACK = 0.5
"""Seconds in which a process has to be gone after that."""


class Deaf(Worker):
    """Is cancelled twice, and heeds the second; stops the tree by itself, or has it told to."""

    def __init__(self, then, **options):
        super().__init__(**options)
        self.then = then
        self.cancels = 0

    async def run(self):
        self.then(self)
        while self.cancels < 2:
            try:
                await asyncio.sleep(inf)
            except asyncio.CancelledError:
                self.cancels += 1


def play(worker, **settings):
    """Runs a worker, and returns its code, its last words, and the seconds that it took."""
    began = time.monotonic()
    code, words = Play(lambda: worker, settings).run()
    return code, words, time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_further_signal_in_a_slow_stop_counts(number):
    """Row 9: after the first, signals were ignored. The third is in ``test_processes.py``."""
    other = ({signal.SIGTERM, signal.SIGINT} - {number}).pop()
    deaf = Deaf(sends(number, other), name="deaf", stopping_grace_period=inf)
    deaf.cancel_period = 0.02
    code, words, _ = play(Workers(deaf, Idle(), name="app"))
    assert code == 128 + other
    assert words.endswith("app/deaf was stopped by force")


@pytest.mark.parametrize("then", [sends(signal.SIGTERM), stop], ids=["signal", "by itself"])
def test_a_deadline_holds_whoever_has_asked_for_the_end(then, monkeypatch):
    """Row 14: of 0.2 seconds there were 2.03, but for an end that a signal had asked for."""
    monkeypatch.setattr(process, "hold_at_exit", lambda *_, **__: None)  # this process goes on
    code, words, seconds = play(Workers(Deaf(then, name="deaf"), name="app"), deadline=LIMIT)
    assert code == 1
    assert words == "app: exit code 1: app/deaf was stopped by force"
    assert seconds <= LIMIT + SLACK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_that_a_signal_asked_for_is_an_exit_code_of_0(number):
    """Row 15: it was 70."""

    class Told(Idle):
        async def run(self):
            sends(number)()
            await super().run()

    assert play(Workers(Told(), Idle(), name="app"))[:2] == (0, "")


@pytest.mark.parametrize("group", [Workers, Supervisor])
def test_a_failure_of_the_main_job_ends_the_process_and_is_no_0(group):
    """Row 17: it ran on for ever, and a signal then gave it a 0."""
    options = {"max_restarts": 0} if group is Supervisor else {}
    app = group(Failing(BoomError("no route"), name="job"), Idle(), name="app", **options)
    code, words, _ = play(app)
    assert code == 1
    assert "BoomError: no route" in words


def test_a_process_with_a_job_that_is_deaf_to_cancellation_is_gone_in_time():
    """Row 19: it took 2.02 seconds of 0.5."""
    process = Process(CAST, f"main('Deaf', False, deadline={LIMIT})", loop="asyncio")
    try:
        process.wait_for("running")
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        code, _, errors = process.end()
        assert code == 1
        assert errors[-1] == "app: exit code 1: app/deaf was abandoned"
        assert time.monotonic() - began <= LIMIT + SLACK
    finally:
        process.clean_up()
