"""The thread that looks at a process from outside its event loop.

It hears the signals also while the loop is blocked, holds the deadline, and notices when the loop
stands still. It never waits for anything but its own socket: whatever it has to say, another thread
says.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Protocol

from ..clock import steady_time
from .deadline import Deadline
from .voice import Voice

logger: logging.Logger = logging.getLogger("fluid.runtime")


class Duty(Protocol):
    """Something to look at again and again."""

    def next_look(self) -> float:
        """Returns when."""

    def look(self, now: float) -> None:
        """Looks."""


class Watch:
    """A daemon thread, from :meth:`start` to :meth:`end`.

    Args:
        deadline: What it holds.
        overrun: Called when the deadline is over, to end the process.
        hear: Called with the number of each signal.
        duty: What else it looks at, if anything.
    """

    def __init__(
        self,
        deadline: Deadline,
        overrun: Callable[[], None],
        hear: Callable[[int], None],
        duty: Duty | None,
    ) -> None:
        self._deadline: Deadline = deadline
        self._overrun: Callable[[], None] = overrun
        self._hear: Callable[[int], None] = hear
        self._duty: Duty | None = duty
        self._ours, self._pythons = socket.socketpair()
        self._pythons.setblocking(False)
        self._poll: select.poll = select.poll()  # half the price of a socket's own time limit
        self._poll.register(self._ours, select.POLLIN)
        self._loops: int = -1
        """Where the event loop reads signals from, if it does."""
        self._is_over: bool = False
        self._thread: threading.Thread = threading.Thread(
            target=self._run, name="fluid.watch", daemon=True
        )

    @property
    def wakeup_fd(self) -> int:
        """Where the interpreter is to write the number of each signal as it comes."""
        return self._pythons.fileno()

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def poke(self, number: int = 0) -> None:
        """Lets it look at once, as if by a signal; may be called in a signal handler."""
        with suppress(OSError):  # full of pokes, or closed
            self._pythons.send(bytes((number,)))

    def pass_on_to(self, descriptor: int) -> None:
        """Passes each signal on to there too, unless it is nowhere, here, or not the first."""
        if self._loops == -1 and descriptor not in (-1, self.wakeup_fd):
            self._loops = os.dup(descriptor)  # one of our own: the loop may close its first

    def forget_duty(self) -> None:
        """Goes on with the deadline only."""
        self._duty = None

    def end(self) -> None:
        """Ends it; the deadline is nobody's affair then."""
        self._is_over = True
        self.poke()
        if self._thread.ident is not None:  # else it could not begin
            self._thread.join()
        self._ours.close()
        self._pythons.close()
        if self._loops != -1:
            os.close(self._loops)

    # --- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        signal.pthread_sigmask(
            signal.SIG_BLOCK, signal.valid_signals()
        )  # they are the main thread's
        while not self._is_over:
            now = steady_time()
            left = self._deadline.left(now)
            if left <= 0:
                self._overrun()
                return
            if (duty := self._duty) is not None:  # read once: it may be forgotten meanwhile
                left = min(left, self._do(duty, now))
            numbers = self._heard_within(left)
            if numbers and self._loops != -1:
                with suppress(OSError):  # full, or nobody reads there any more
                    os.write(self._loops, numbers)
            for number in numbers:
                if number:
                    self._hear(number)

    def _do(self, duty: Duty, now: float) -> float:
        """Looks, if it is time; returns the seconds until the next look.

        What goes wrong there, in a loop or a task of the user's own making, may cost the duty, but
        not the deadline.
        """
        try:
            if now >= duty.next_look():
                duty.look(now)
            return duty.next_look() - steady_time()
        except Exception as error:
            self._duty = None
            Voice().say(partial(_give_up, error))
            return inf

    def _heard_within(self, seconds: float) -> bytes:
        left = None if seconds == inf else max(seconds, 0.001) * 1000
        return self._ours.recv(4096) if self._poll.poll(left) else b""


def take_wakeup_fd(descriptor: int) -> int:
    """Has the interpreter write signals there; returns where it wrote them before."""
    return signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)


def _give_up(error: Exception) -> None:
    logger.error("blocks of the event loop are not watched for any more", exc_info=error)
