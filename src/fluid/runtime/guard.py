"""Holds the deadline while the interpreter exits, when there is no loop and no worker any more.

It keeps nothing alive: what a program leaves behind is freed at the exit as without it.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import sys
import threading
from contextlib import suppress

from . import stacks
from .exit_codes import Facts, exit_code, reason
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


def hold_at_exit(left: float, path: str, facts: Facts, front: Front, *, is_ending: bool) -> None:
    """Ends the process if it is not gone ``left`` seconds from now.

    Args:
        left: Seconds.
        path: The root worker's.
        facts: What is to be said if it has to be ended.
        front: Where that is said.
        is_ending: Whether the time runs from now on; if not, from the end of the main thread.
    """
    voice = Voice()
    voice.stand_by()
    arguments = (left, path, facts, front, voice, is_ending)
    thread = threading.Thread(target=_hold, args=arguments, name="fluid.guard", daemon=True)
    if is_ending:
        arm_last_resort(left)
    else:  # by the main thread, which would not wait for this one
        atexit.register(arm_last_resort, left)
    with suppress(RuntimeError):
        thread.start()


def _hold(
    left: float, path: str, facts: Facts, front: Front, voice: Voice, is_ending: bool
) -> None:
    if not is_ending:
        threading.main_thread().join()
    threading.Event().wait(left)
    code = exit_code(facts)

    def say() -> None:
        front.dump(stacks.dump_threads())
        front.last_words(f"{path}: exit code {code}: {reason(facts)}", code)

    voice.say_within(DYING_WORDS, say)
    leave(code)
