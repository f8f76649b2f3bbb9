"""Saying something from a thread that must not wait, whoever reads it or does not.

A write to a pipe that nobody empties blocks, and so does a log whose lock is held by whoever is
blocked there. What keeps a deadline cannot afford either.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress


class Voice:
    """Speaks in a thread of its own, one thing at a time."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._called: threading.Event | None = None
        """Wakes the thread that stands by, if one does."""
        self._words: Callable[[], None] = _nothing

    def stand_by(self) -> None:
        """Begins the thread for :meth:`say_within` now: an exiting interpreter begins no more."""
        self._called = called = threading.Event()

        def wait() -> None:
            called.wait()
            self._words()

        self._begin(wait)

    def say(self, speak: Callable[[], None]) -> None:
        """Has ``speak`` called soon; drops it where the last one is still at it."""
        if self._thread is None or not self._thread.is_alive():
            self._begin(speak)

    def say_within(self, seconds: float, speak: Callable[[], None]) -> None:
        """Has ``speak`` called now, and waits for its end no longer than that."""
        if self._called is None:
            self._begin(speak)
        else:
            self._words = speak
            self._called.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _begin(self, speak: Callable[[], None]) -> None:
        def run() -> None:
            with suppress(Exception):
                speak()

        self._thread = thread = threading.Thread(target=run, name="fluid.voice", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is on its way out
            self._thread = None


def _nothing() -> None:
    pass
