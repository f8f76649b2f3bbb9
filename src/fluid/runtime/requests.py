"""What signals ask of a process, done in its loop: a stop, a forced one, another life."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable

from .deadline import Deadline
from .ending import Ending
from .signal_count import Request
from .terminal import has_terminal


class Requests:
    """Passes them on, and says so.

    Args:
        ending: Does what is asked for.
        deadline: How long a stop may take.
        say: Logs a sentence about the root.
    """

    def __init__(self, ending: Ending, deadline: Deadline, say: Callable[[int, str], None]) -> None:
        self._ending: Ending = ending
        self._deadline: Deadline = deadline
        self._say: Callable[[int, str], None] = say
        self._has_terminal: bool = has_terminal()

    def obey(self, request: Request, number: int) -> None:
        """Does what SIGTERM and SIGINT ask for."""
        name = signal.Signals(number).name
        if request is Request.STOP:
            when = f" in {self._deadline.drain_delay:g} seconds" if self._ending.drains() else ""
            self._say(
                logging.INFO, f"{name}: %s is to stop{when}; a second signal takes away its grace"
            )
            self._ending.stop()
        else:
            self._say(logging.WARNING, f"{name}: %s is to stop at once; a third signal kills")
            self._ending.force()

    def hang_up(self) -> None:
        """Restarts the worker, or stops it where the terminal has gone that it was started from."""
        if self._has_terminal and not has_terminal():
            self._say(logging.INFO, "SIGHUP: %s is to stop, because its terminal has gone")
            self._ending.stop()
        elif self._ending.is_under_way:
            self._say(logging.INFO, "SIGHUP: %s is on its way down already")
        elif not self._ending.has_begun:
            self._say(logging.INFO, "SIGHUP: %s has not begun yet, so there is nothing to restart")
        else:
            self._say(logging.INFO, "SIGHUP: %s is to be restarted")
            self._ending.restart()
