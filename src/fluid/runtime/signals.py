"""SIGTERM and SIGINT: taken while a worker runs, counted, and handed over to its event loop.

They are taken with ``signal.signal`` rather than by the loop, whose own handlers wait while the
loop is blocked. A handler here does nothing but count and hand over: whatever it did could happen
between any two instructions of the user's code, and whatever it raised would come out there.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeAlias

from .. import logs
from .exit_codes import SIGNALLED
from .signal_count import Request, SignalCount

logger: logging.Logger = logging.getLogger("fluid.runtime")

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None

SIGNALS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def taken(
    loop: asyncio.AbstractEventLoop, obey: Callable[[Request, int], None]
) -> Iterator[SignalCount]:
    """Takes the signals while the block runs, and gives them back afterwards.

    Off the main thread, where Python lets nobody handle signals, it says so and takes none.

    Args:
        loop: Where ``obey`` is called, and whose clock counts.
        obey: Called with what a signal asks for, and its number: first STOP, then FORCE. LEAVE is
            not left to anybody.
    """
    count = SignalCount()

    def handle(number: int, _frame: FrameType | None) -> None:
        request = count.count(number, loop.time())
        if request is Request.LEAVE:
            os._exit(SIGNALLED + number)
        if request is not Request.NOTHING:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to ask
                loop.call_soon_threadsafe(obey, request, number)

    def is_same(number: int) -> bool:
        return count.is_same(number, loop.time())

    try:
        before = {number: signal.signal(number, handle) for number in SIGNALS}
    except ValueError:
        logs.safely(
            logger.warning,
            "fluid.run() was not called on the main thread, where Python delivers signals: "
            "SIGTERM and SIGINT will not stop its worker; gracefully_stop() will",
        )
        yield count
        return
    try:
        with _waking(loop):
            yield count
    finally:
        for number, handler in before.items():
            _give_back(number, handler, is_same)


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Wakes ``loop`` from its wait for I/O by every signal.

    Not every signal interrupts that wait: it may come on the way in, or to another thread. Python
    would then call the handler after the next event, which may be hours away. uvloop does this by
    itself, and puts its own descriptor in the place of ours while it runs.
    """
    ours, pythons = socket.socketpair()
    with ours, pythons:
        ours.setblocking(False)
        pythons.setblocking(False)
        loop.add_reader(ours, ours.recv, 4096)
        before = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(ours)


class _Afterwards:
    """Handles a signal for the moment in which it may still be a copy of the last request.

    A worker may stop faster than a process group delivers twice, and the copy would then meet the
    default handler and kill a process that has just done as it was told. Anything but a copy goes
    to whoever handled the signal before.
    """

    def __init__(self, handler: Handler, is_same: Callable[[int], bool]) -> None:
        self.handler: Handler = handler
        self._is_same: Callable[[int], bool] = is_same

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_same(number):
            signal.signal(number, self.handler)
            signal.raise_signal(number)

    def stay(self, number: int) -> None:
        """Lets copies go by while the interpreter exits.

        Handlers in Python are set aside long before that is over. That a signal is ignored is not.
        """
        if self._is_same(number) and signal.getsignal(number) is self:
            signal.signal(number, signal.SIG_IGN)


def _give_back(number: int, handler: Handler, is_same: Callable[[int], bool]) -> None:
    if isinstance(handler, _Afterwards):  # of an earlier run
        handler = handler.handler
    if handler is None:  # set from C: nobody can set it again from here
        handler = signal.SIG_DFL
    if is_same(number):
        afterwards = _Afterwards(handler, is_same)
        signal.signal(number, afterwards)
        atexit.register(afterwards.stay, number)
    else:
        signal.signal(number, handler)
