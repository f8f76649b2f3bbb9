"""Signals while the interpreter exits: they go by, and nothing is said of them."""

from __future__ import annotations

import signal
import sys
from signal import SIG_IGN, SIGTERM, SIGUSR1

from fluid.runtime import afterwards, taken


def test_a_signal_that_comes_while_it_begins_to_be_ignored_is_not_complained_of(monkeypatch):
    """Found by ``make signals``: an "Exception ignored" on stderr, once in 2,000 processes."""
    complaints: list[object] = []
    ignored: list[tuple[int, object]] = []

    def set_in_a_race(number, handler):
        ignored.append((number, handler))
        sys.unraisablehook(OSError(f"Signal {number} ignored due to race condition"))

    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    monkeypatch.setattr(signal, "signal", set_in_a_race)
    afterwards.ignore_from_now_on(SIGTERM)
    assert ignored == [(SIGTERM, SIG_IGN)]
    assert complaints == []
    sys.unraisablehook("later")
    assert complaints == ["later"]


class Taker:
    numbers = (SIGTERM, SIGUSR1)


def test_only_signals_that_were_kept_are_ignored_at_the_exit(monkeypatch):
    ignored: list[int] = []
    monkeypatch.setattr(taken, "ignore_from_now_on", lambda *numbers: ignored.extend(numbers))
    monkeypatch.setattr(taken, "_taker", None)
    taken._ignore()
    assert ignored == []
    monkeypatch.setattr(taken, "_taker", Taker())
    taken._ignore()
    assert ignored == [SIGTERM, SIGUSR1]
