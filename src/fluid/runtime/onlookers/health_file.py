"""Keeps a file that says how the process is, for ``fluid health``.

The event loop says how the tree is, once a second; a thread writes it, because a disk may be slow,
and because somebody has to say so when the loop does not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from contextlib import suppress
from functools import partial

from ... import logs
from ...errors import FluidError
from ...health import Health, Phase, Report
from ...health.file import content
from ...health.judging import kept_by
from ...texts import error_text, one_line
from ..probe import Probe
from ..voice import Voice
from .onlooker import Onlooker
from .written_file import WrittenFile

logger: logging.Logger = logging.getLogger("fluid.runtime")

PERIOD = 1.0
"""Seconds between two looks, and between two touches of the file."""

CLOSING = 0.1
"""Seconds that the end waits for the file to be removed: a disk that hangs does not hold it up."""


class HealthFile(Onlooker):
    """The file, from the moment it is made to :meth:`close`.

    Args:
        path: Where it is to be.
        health: How the tree is.
        loop: The tree's event loop.
        probe: Knows who blocks that loop, if anybody looks.
        period: Seconds between two looks.

    Raises:
        FluidError: If it cannot be written.
    """

    def __init__(
        self,
        path: str,
        health: Health,
        loop: asyncio.AbstractEventLoop,
        probe: Probe | None,
        *,
        period: float = PERIOD,
    ) -> None:
        self._path: str = one_line(path)
        self._file: WrittenFile = WrittenFile(path)
        self._health: Health = health
        self._loop: asyncio.AbstractEventLoop = loop
        self._probe: Probe | None = probe
        self._period: float = period
        self._report: Report = health.report()
        self._timer: asyncio.TimerHandle | None = None
        self._missed: int = 0
        """Looks in a row for which the loop has not come."""
        self._has_ended: bool = False
        """Whether the loop is not expected to come any more."""
        self._news: threading.Event = threading.Event()
        self._is_over: bool = False
        self._has_warned: bool = False
        self._voice: Voice = Voice()
        self._thread: threading.Thread = threading.Thread(
            target=self._run, name="fluid.health_file", daemon=True
        )
        self._said: object = None
        """What is in the file."""
        self._begin(path)

    def _begin(self, path: str) -> None:
        if (other := kept_by(path)) not in (0, os.getpid()):
            logs.safely(
                logger.warning,
                "process %d keeps the health file %s, too; each has to have one of its own",
                other,
                self._path,
            )
        try:
            self._write()
        except (OSError, ValueError) as error:  # ValueError: it can be no path at all
            raise FluidError(
                f"the health file {self._path} cannot be written ({_why(error)}); its folder has "
                f"to be there, and to be writable"
            ) from error

    # --- in the loop -----------------------------------------------------------------------------

    def turn(self, phase: Phase) -> None:
        """Has the file say so at once."""
        if self._thread.ident is None:
            self._thread.start()
        self._has_ended = phase is Phase.ENDED
        self._look()

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._has_ended:
            self._timer = self._loop.call_later(self._period, self._look)
        self._report = self._health.report()
        self._news.set()

    def close(self) -> None:
        """Removes the file."""
        self._is_over = True
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSING)
        else:  # it was of no use to anybody yet
            self._remove()

    # --- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # the main thread's
        while not self._is_over:
            self._wait()
            if not self._is_over:
                self._keep()
        self._remove()

    def _keep(self) -> None:
        try:
            self._write()
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                self._voice.say(partial(_warn, self._path, error))

    def _remove(self) -> None:
        with suppress(OSError):  # what is left says itself that its process is gone
            self._file.remove()

    def _wait(self) -> None:
        """Waits until the loop has come, or had to by now."""
        if self._news.wait(self._period if self._missed else 2 * self._period):
            self._news.clear()
            self._missed = 0
        elif not self._has_ended:
            self._missed += 1

    def _write(self) -> None:
        """Writes the file if there is something to say, and else only touches it.

        Raises:
            OSError: If that cannot be done.
        """
        report, (mute_for, by) = self._report, self._block()
        says = (report, mute_for, by)
        if says == self._said and self._file.touch():
            return
        self._file.put(content(report, pid=os.getpid(), mute_for=mute_for, blocked_by=by))
        self._said = says

    def _block(self) -> tuple[float, str]:
        """Returns for how long the loop has not come, and who is to blame if that is known."""
        mute_for = self._missed * self._period
        if not mute_for or self._probe is None:
            return mute_for, ""
        return max(mute_for, self._probe.blocked_for), self._probe.blocker


def _why(error: OSError | ValueError) -> str:
    """Returns what is wrong, without the name that it has while it is written."""
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return error_text(error)


def _warn(path: str, error: OSError) -> None:
    logger.warning(
        "the health file %s cannot be written (%s); whoever reads it takes us for dead soon",
        path,
        error_text(error),
    )
