"""Who has taken the signals of this process, also when it forks and when the interpreter exits."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Collection
from typing import Protocol

from .afterwards import ignore_from_now_on


class Taker(Protocol):
    """Who has taken some signals."""

    @property
    def numbers(self) -> Collection[int]:
        """Which ones."""

    def forsake(self) -> None:
        """Gives them back in a child that was forked off: it is not the process that was meant."""


_taker: Taker | None = None
"""Who has them, if anybody."""

_mask: threading.local = threading.local()
"""The signals that the forking thread had blocked before."""


def by(taker: Taker | None) -> None:
    """Notes who has taken them; None if they were given back."""
    global _taker
    _taker = taker


def _before_fork() -> None:
    """Holds signals back from the child until they are no longer taken there.

    In between it would lose them, and have them written to where its parent reads.
    """
    if _taker is not None:
        _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _taker.numbers)


def _after_fork() -> None:
    before = _mask.__dict__.pop("before", None)
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_forked_child() -> None:
    if _taker is not None:
        _taker.forsake()
        by(None)
    _after_fork()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_forked_child
)


def _ignore() -> None:
    """Lets those go by that were kept, while the interpreter exits: its handlers are set aside.

    What the program has for its exit was registered later than this and is called before, so if it
    hangs, a second request still ends the process.
    """
    if _taker is not None:
        ignore_from_now_on(*_taker.numbers)


atexit.register(_ignore)
