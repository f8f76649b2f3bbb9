"""Holds the deadline while the interpreter exits, when there is no loop and no worker any more.

It keeps nothing alive: what a program leaves behind is freed at the exit as without it.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module

from .. import logs
from . import last_words, stacks
from .exit_codes import Facts, exit_code
from .front import Front
from .voice import Voice

DYING_WORDS = 0.2
"""Seconds that the dump and the last words may take when the deadline is over.

Clearly less than :data:`LAST_RESORT`, which has only one exit code.
"""

LAST_RESORT = 0.3
"""Seconds after the deadline in which a process goes that lets no thread of Python's run."""


def leave(code: int) -> None:
    """Ends the process here and now."""
    os._exit(code)


def arm_last_resort(left: float) -> None:
    """Has the process ended from C, soon after the ``left`` seconds that it has.

    That says where the threads are, and has one exit code only, 1. It is for what no thread of
    Python's can end: an extension that keeps the interpreter's lock, and the interpreter itself
    when it has begun to take things apart.
    """
    with suppress(AttributeError, OSError, OverflowError, RuntimeError, ValueError):  # no stderr
        faulthandler.dump_traceback_later(max(left, 0.0) + LAST_RESORT, exit=True, file=sys.stderr)


def disarm_last_resort() -> None:
    """Takes that back."""
    faulthandler.cancel_dump_traceback_later()


class Guard:
    """A thread that holds, and one that speaks.

    They stand by, as Python 3.12 begins none any more when it exits.
    """

    def __init__(self) -> None:
        self._voice: Voice = Voice()
        self._voice.stand_by()
        self._begins: threading.Event = threading.Event()
        thread = threading.Thread(target=self._run, name="fluid.guard", daemon=True)
        with suppress(RuntimeError):  # no more threads: the last resort is left
            thread.start()

    def hold(self, left: float, path: str, facts: Facts, front: Front) -> None:
        """Does what :func:`hold` says."""
        arm_last_resort(left)
        self._left, self._path, self._facts, self._front = left, path, facts, front
        self._begins.set()

    def _run(self) -> None:
        self._begins.wait()
        threading.Event().wait(self._left)
        code = exit_code(self._facts)

        self._facts.undone = stacks.threads_left()

        def say() -> None:
            logs.safely(self._front.dump, stacks.dump_threads())
            last_words.say(self._front, self._path, self._facts, code)

        self._voice.say_within(DYING_WORDS, say)
        leave(code)


def hold(left: float, path: str, facts: Facts, front: Front) -> None:
    """Ends the process if it is not gone ``left`` seconds from now.

    Args:
        left: Seconds.
        path: The root worker's.
        facts: What is to be said if it has to be ended.
        front: Where that is said.
    """
    Guard().hold(left, path, facts, front)


_later: Callable[[], None] | None = None
"""What begins when the main thread has nothing more to do."""

_standing_by: Guard | None = None
"""One for all runs: of several that leave something to hold, the last counts."""


def hold_at_exit(left: float, path: str, facts: Facts, front: Front) -> None:
    """Calls :func:`hold` when the main thread has nothing more to do.

    That is before the interpreter waits for any other thread. Those of executors are the first that
    it waits for, by the same private hook, last come first served: so theirs is registered before
    ours.
    """
    global _later, _standing_by
    if _standing_by is None:
        _standing_by = Guard()
        with suppress(RuntimeError):  # the interpreter exits already
            import_module("concurrent.futures.thread")
            getattr(threading, "_register_atexit", atexit.register)(_begin)
    _later = partial(_standing_by.hold, left, path, facts, front)


def _begin() -> None:
    if _later is not None:
        _later()


def _forget() -> None:
    """Leaves a child that was forked off alone: it is not the process that was meant."""
    global _later, _standing_by
    _later = _standing_by = None


os.register_at_fork(after_in_child=_forget)
