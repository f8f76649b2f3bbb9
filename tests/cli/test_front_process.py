"""The process that stands in front of the real one: what it hands on, and how it ends."""

from __future__ import annotations

import os
import signal

import pytest

from fluid.cli import init

CHILD, ORPHAN = 100, 200


def plays(monkeypatch: pytest.MonkeyPatch, *script: int | tuple[int, int]) -> list[tuple[int, int]]:
    """Has signals arrive, and processes end with a status; returns what is handed on, and to whom.

    After a process has ended, there are no others that have.
    """
    handed_on: list[tuple[int, int]] = []
    steps, ended = list(script), list[tuple[int, int]]()

    def sigwait(_: object) -> int:
        step = steps.pop(0)
        if isinstance(step, tuple):
            ended.extend([step, (0, 0)])
            return signal.SIGCHLD
        return step

    monkeypatch.setattr(signal, "sigwait", sigwait)
    monkeypatch.setattr(os, "waitpid", lambda *_: ended.pop(0))
    monkeypatch.setattr(os, "kill", lambda *args: handed_on.append(args))
    return handed_on


@pytest.mark.parametrize(("status", "code"), [(3 << 8, 3), (0, 0), (signal.SIGKILL, 137)])
def test_it_ends_as_the_real_one_did(
    monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    plays(monkeypatch, (CHILD, status))
    assert init._serve(CHILD) == code


def test_it_waits_for_orphans_and_does_not_end_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, (ORPHAN, 0), (CHILD, 5 << 8))
    assert init._serve(CHILD) == 5


def test_it_hands_signals_on(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_on = plays(monkeypatch, signal.SIGTERM, signal.SIGHUP, (CHILD, 0))
    init._serve(CHILD)
    assert handed_on == [(CHILD, signal.SIGTERM), (CHILD, signal.SIGHUP)]


def test_there_may_be_nobody_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise ChildProcessError

    monkeypatch.setattr(os, "waitpid", nobody)
    assert init._reap(CHILD) is None
