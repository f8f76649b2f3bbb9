"""What systemd is told of a process, and when; :mod:`.notify` knows how.

It hears that the tree is ready, restarts or stops, always in one line how it is, and, while a start
or a stop gets on, that this takes longer. Its watchdog hears from the event loop itself: a timer of
the loop is the proof that it turns, and nothing is sent while the tree is not live.

Source:
    What each message means is said in sd_notify(3), WatchdogSec= and TimeoutStopSec= in
    systemd.service(5).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import MutableMapping
from functools import partial
from math import inf

from ... import logs
from ...clock import steady_time
from ...health import Health, Phase
from ...record import Record
from ...texts import abridged, one_line, printable
from ..stages import Stage, named
from .headway import Headway
from .notify import Notifier, is_known
from .onlooker import Onlooker, Witness

logger: logging.Logger = logging.getLogger("fluid.runtime")

LOOK = 1.0
"""Seconds between two looks at what is to be said."""

PING_AFTER = 0.4
"""The part of the watchdog's interval between two pings; half of it is what its manual asks for."""

AGAIN_AFTER = 0.1
"""The same, where the last one was not sent, because of the queue or because nothing was live."""

SHORTEST_PING = 0.01
"""Seconds between two pings at the least, whatever the interval is."""

EXTENSION = 10.0
"""Seconds more that systemd is asked for, again and again; it never makes its time-out shorter.

So it waits at most that much longer for one who gets on no more.
"""

LONGEST_STATUS = 200
"""Characters of a status line; ``systemctl status`` shows it in one line of a terminal."""

MOST_NAMED = 3
"""Workers that a status line names; it counts the others."""


class Supervision(Record):
    """What systemd has put into the environment of a service."""

    address: str
    """Where it listens."""
    watchdog: float = inf
    """Seconds within which it wants to hear of the loop; infinite where it does not."""


def take_over(environ: MutableMapping[str, str], pid: int) -> Supervision | None:
    """Returns what systemd has asked for, and takes it out of the environment.

    Else the processes that this one starts would speak for it. None if nobody listens; a socket of
    another kind is left to whoever knows it.

    Args:
        environ: The environment.
        pid: This process, as others may be meant by the watchdog.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return None
    if not is_known(address):
        logs.safely(logger.debug, "NOTIFY_SOCKET %s is not for fluid", one_line(address))
        return None
    del environ["NOTIFY_SOCKET"]
    text, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    interval, meant = _number(text), _number(whose)
    if (text and not interval) or (whose and not meant):
        logs.safely(
            logger.warning,
            "systemd's watchdog gets no pings: WATCHDOG_USEC is %r, WATCHDOG_PID is %r",
            one_line(text),
            one_line(whose),
        )
        return Supervision(address)
    is_ours = interval and meant in (0, pid)
    return Supervision(address, interval / 1e6 if is_ours else inf)


def _number(text: str) -> int:
    """Returns the positive number that a variable holds, and 0 for anything else."""
    is_one = text.isascii() and text.isdecimal() and len(text) <= len(str(2**64))
    return int(text) if is_one else 0


def supervised(health: Health, loop: asyncio.AbstractEventLoop) -> Systemd | None:
    """Returns who tells systemd of this process, if systemd has started it."""
    supervision = take_over(os.environ, os.getpid())
    if supervision is None:
        return None
    return Systemd(health, loop, Notifier(supervision.address), supervision.watchdog)


SAYS = {Phase.READY: "READY=1", Phase.RESTARTING: "RELOADING=1", Phase.STOPPING: "STOPPING=1"}
"""What systemd has a word for."""


class Systemd(Onlooker):
    """Tells it.

    Args:
        health: How the tree is.
        loop: Its loop.
        notifier: Sends.
        watchdog: Seconds within which the loop has to be heard of; infinite for never.
    """

    def __init__(
        self,
        health: Health,
        loop: asyncio.AbstractEventLoop,
        notifier: Notifier,
        watchdog: float = inf,
    ) -> None:
        self._health: Health = health
        self._loop: asyncio.AbstractEventLoop = loop
        self._notifier: Notifier = notifier
        self._watchdog: float = watchdog
        self._headway: Headway = Headway(health)
        self._stage: Stage | None = None
        """The start or the stop that goes on."""
        self._status: str = ""
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def turn(self, phase: Phase) -> None:
        """Says where the tree is, before anything follows from it."""
        word = SAYS.get(phase, "")
        since = f"MONOTONIC_USEC={steady_time() * 1e6:.0f}" if phase is Phase.RESTARTING else ""
        self._tell(self._health.report().summary, word, since)
        if phase is Phase.STARTING:
            self._ping()
            self._look()
        elif phase is Phase.ENDED:
            self._extend()  # for what follows: threads of the executor, the interpreter's exit
            for timer in self._timers.values():
                timer.cancel()

    def stage(self, stage: Stage) -> None:
        """Remembers it for the next look."""
        self._stage = None if stage.is_over else stage

    def last_words(self, text: str, code: int) -> None:
        """Leaves behind why the process has ended, for ``systemctl status``."""
        self._tell(f"exit code {code}{text and f': {text}'}")

    def close(self) -> None:
        """Says nothing more."""
        self._notifier.close()

    def witness(self) -> Witness:
        """Returns what leaves that behind if the exit of the interpreter has to be cut short."""
        return partial(_tell_end, self._notifier.address)

    # --- again and again -------------------------------------------------------------------------

    def _look(self) -> None:
        self._timers["look"] = self._loop.call_later(LOOK, self._look)
        stage = self._stage
        self._tell(_words(stage) if stage else self._health.report().summary)
        self._notifier.flush()
        if stage is not None and self._headway.is_made(stage, self._loop.time()):
            self._extend()

    def _extend(self) -> None:
        self._notifier.send_or_drop(f"EXTEND_TIMEOUT_USEC={EXTENSION * 1e6:.0f}")

    def _ping(self) -> None:
        if self._watchdog < inf:
            is_sent = self._health.report().is_live and self._notifier.send_or_drop("WATCHDOG=1")
            delay = self._watchdog * (PING_AFTER if is_sent else AGAIN_AFTER)
            self._timers["ping"] = self._loop.call_later(max(delay, SHORTEST_PING), self._ping)

    def _tell(self, status: str, *words: str) -> None:
        """Sends some words, and how it is, unless that is what was said last."""
        lines = [word for word in words if word]
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={_short(status)}")
        if lines:
            self._notifier.send(*lines)


def _short(text: str) -> str:
    return abridged(printable(text[: LONGEST_STATUS + 1]), LONGEST_STATUS)


def _words(stage: Stage) -> str:
    """Returns ``stopping for 5 of at most 17 s: app/db in on_shutdown``."""
    limit = "" if stage.bound == inf else f" of at most {stage.bound:.0f}"
    whom = named(stage.waiting, MOST_NAMED, lambda each: f"{each.path} in {each.phase}")
    whom = whom and f": {whom}"
    return f"{stage.verb} for {stage.elapsed:.0f}{limit} s{whom}"


def _tell_end(address: str, text: str, _: int) -> None:
    notifier = Notifier(address)
    notifier.send(f"STATUS={_short(text.partition(': ')[2])}")
    notifier.close()
