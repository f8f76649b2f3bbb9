"""The signals of a process: taken while a worker runs, counted, and handed over to its event loop.

They are taken with ``signal.signal`` rather than by the loop, whose own handlers wait while the
loop is blocked. A handler here does nothing but count and hand over: whatever it did could happen
between any two instructions of the user's code, and whatever it raised would come out there. Where
the main thread is in C and does not come back to run handlers, the thread that watches still hears
of each signal, from the interpreter's wake-up descriptor.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from types import FrameType
from typing import Protocol

from .. import logs
from ..clock import steady_time
from . import taken
from .afterwards import Handler, give_back
from .exit_codes import SIGNALLED
from .guard import leave
from .signal_count import Request, SignalCount
from .watch import Watch, take_wakeup_fd

logger: logging.Logger = logging.getLogger("fluid.runtime")

SIGNALS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)
"""The requests to stop."""

DUMP = signal.SIGUSR1
"""The request to show where everything is."""

REQUESTS: tuple[signal.Signals, ...] = (signal.SIGHUP, DUMP)
"""Restart, and show where everything is. Taken only where nobody else has them: a program that was
started by ``nohup`` goes on ignoring SIGHUP."""


class Obeys(Protocol):
    """Who does, in the loop, what signals ask for."""

    def obey(self, request: Request, number: int) -> None:
        """Stops, or stops at once."""

    def hang_up(self) -> None:
        """Does what SIGHUP asks for."""


class Signals:
    """The signals, from :meth:`take` until they are given back or the process ends.

    Args:
        loop: Where requests are obeyed.
        obeys: Who obeys them.
        must_end: Called at the first request to stop, from wherever that interrupts.
        watch: The thread that watches.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        obeys: Obeys,
        must_end: Callable[[], None],
        watch: Watch,
    ) -> None:
        self.count: SignalCount = SignalCount()
        self._loop: asyncio.AbstractEventLoop | None = loop
        self._obeys: Obeys = obeys
        self._must_end: Callable[[], None] = must_end
        self._watch: Watch = watch
        self._before: dict[int, Handler] = {}
        self._wakeup_fd: int = -1
        self._is_leaving: bool = False
        self._arrived: deque[int] = deque()
        """Requests to stop that are to be counted."""
        self._is_counting: threading.Lock = threading.Lock()

    @property
    def numbers(self) -> Collection[int]:
        """Those that were taken."""
        return self._before.keys()

    def take(self) -> bool:
        """Takes them; returns False off the main thread, where Python lets nobody do that."""
        try:
            self._wakeup_fd = take_wakeup_fd(self._watch.wakeup_fd)
        except ValueError:
            logs.safely(
                logger.warning,
                "fluid.run() was not called on the main thread, where Python delivers signals: "
                "SIGTERM and SIGINT will not stop its worker; gracefully_stop() will",
            )
            return False
        taken.by(self)
        for number in (*SIGNALS, *REQUESTS):
            if self._may_take(number):
                self._before[number] = signal.signal(number, self._handle)
        return True

    def _may_take(self, number: int) -> bool:
        """Returns whether a signal is ours, or somebody wants it to be as it is.

        A shell has SIGINT ignored in what it runs in the background, where Ctrl-C is not meant.
        """
        match number:
            case signal.SIGTERM:
                return True
            case signal.SIGINT:
                return signal.getsignal(number) is not signal.SIG_IGN
            case _:
                return signal.getsignal(number) is signal.SIG_DFL

    def hear(self) -> None:
        """Sees to it, in the loop, that signals are heard while it runs; called now and then.

        uvloop has them written to itself, and so has asyncio's as soon as a worker gives handlers
        to it. For those, the loop gets them all the same.
        """
        if self._before:
            self._watch.pass_on_to(take_wakeup_fd(self._watch.wakeup_fd))

    def leave(self) -> None:
        """Is told that nothing is left to stop: from here on a second request ends the process."""
        self._is_leaving = True

    def keep(self) -> None:
        """Keeps them to the very end, where a late one can no longer change the exit code."""
        take_wakeup_fd(-1)
        self._loop = None
        del self._obeys, self._watch, self._must_end  # no signal handler keeps the worker alive

    def give_back(self) -> None:
        """Gives them back to whoever had them."""
        if self._before:
            taken.by(None)
            with suppress(OSError, ValueError):  # closed meanwhile
                take_wakeup_fd(self._wakeup_fd)
            for number, handler in self._before.items():
                give_back(number, handler, self.count)
            self._before.clear()

    def forsake(self) -> None:
        """Gives them back in a child that was forked off: it is not the process that was meant."""
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)
            for number, handler in self._before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    # --- in the handler --------------------------------------------------------------------------

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in SIGNALS:
            self._arrived.append(number)
            self._count_arrived()
        elif self._loop is None:
            pass
        elif number == signal.SIGHUP:
            self._in_loop(self._obeys.hang_up)
        else:
            self._watch.poke(number)

    def _count_arrived(self) -> None:
        """Counts one signal after the other, also where one has interrupted the count of another.

        What cannot get at the lock has interrupted whoever has it, who then comes to this one, too.
        """
        while self._arrived:
            if not self._is_counting.acquire(blocking=False):
                return
            try:
                while self._arrived:
                    self._count(self._arrived.popleft())
            finally:
                self._is_counting.release()

    def _count(self, number: int) -> None:
        request = self.count.count(number, steady_time())
        if request is Request.NOTHING:
            return
        if request is Request.LEAVE or (self._is_leaving and request is Request.FORCE):
            leave(SIGNALLED + number)
        if self._loop is not None:
            self._must_end()
            self._in_loop(self._obeys.obey, request, number)

    def _in_loop(self, function: Callable[..., None], *args: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody is left to ask
            self._loop.call_soon_threadsafe(function, *args)
