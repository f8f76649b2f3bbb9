"""SIGTERM and SIGINT: the first asks, the second forces, the third ends the process.

Taken with ``signal.signal`` rather than by the loop, whose own handlers wait while the loop is
blocked. A handler here does nothing but count and hand over.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

SAME_REQUEST_SECONDS = 0.5
"""The same signal again within this time is the same request.

A terminal sends Ctrl-C to a whole process group, and a parent often passes it on as well.
"""


class SignalCount:
    """Counts requests to stop and says which one a signal is."""

    def __init__(self) -> None:
        self.requests = 0
        self._last_signal = 0
        self._last_at = 0.0

    def count(self, number: int, now: float) -> int:
        """Returns which request this signal is, 1 for the first; 0 if it is the last one again."""
        is_same = number == self._last_signal and now - self._last_at < SAME_REQUEST_SECONDS
        if is_same and self.requests:
            return 0
        self._last_signal, self._last_at = number, now
        self.requests += 1
        return self.requests


@contextmanager
def taken(
    ask: Callable[[], None], force: Callable[[int], None], now: Callable[[], float]
) -> Iterator[None]:
    """Takes the signals while the block runs, and gives them back afterwards.

    Off the main thread, where Python lets nobody handle signals, it does nothing.

    Args:
        ask: Called for the first request.
        force: Called with the signal's number for the second.
        now: The time, in seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    counter = SignalCount()

    def handle(number: int, _frame: FrameType | None) -> None:
        match counter.count(number, now()):
            case 0:
                return
            case 1:
                ask()
            case 2:
                force(number)
            case _:
                os._exit(128 + number)

    before: dict[int, Any] = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
