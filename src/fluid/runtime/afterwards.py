"""Signals that still come when nobody waits for them any more: copies of a request that was heeded.

They keep nothing alive but the count of the requests.
"""

from __future__ import annotations

import atexit
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

from ..clock import steady_time
from .signal_count import SignalCount

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None


def ignore_from_now_on(*numbers: int) -> None:
    """Ignores signals, and says nothing of one that comes at this moment.

    Python would: it has noted the signal, and finds no handler any more that it could call.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    sys.unraisablehook = hook


class Afterwards:
    """Handles a signal for the moment in which it may still be a copy of the last request.

    A worker may stop faster than a process group delivers twice, and the copy would then meet the
    default handler and kill a process that has just done as it was told. Anything but a copy goes
    to whoever handled the signal before.
    """

    def __init__(self, handler: Handler, count: SignalCount) -> None:
        self.handler: Handler = handler
        self._count: SignalCount = count

    @property
    def stands_in_for(self) -> Handler:
        """Who handles the signal in fact; asked by those below who cannot know this class."""
        return self.handler

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Handles it: a copy goes by."""
        if not self._count.is_same(number, steady_time()):
            signal.signal(number, self.handler)
            signal.raise_signal(number)

    def stay(self, number: int) -> None:
        """Lets copies go by while the interpreter exits.

        Handlers in Python are set aside long before that is over. That a signal is ignored is not.
        """
        if self._count.is_same(number, steady_time()) and signal.getsignal(number) is self:
            ignore_from_now_on(number)


def give_back(number: int, handler: Handler, count: SignalCount) -> None:
    """Has a signal handled as before, but for copies of the last request."""
    if isinstance(handler, Afterwards):  # of an earlier run
        handler = handler.handler
    if handler is None:  # set from C: nobody can set it again from here
        handler = signal.SIG_DFL
    if count.is_same(number, steady_time()):
        afterwards = Afterwards(handler, count)
        signal.signal(number, afterwards)
        atexit.register(afterwards.stay, number)
    else:
        signal.signal(number, handler)
