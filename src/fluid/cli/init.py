"""``--init``: a process in front of ours, for what the first process of a container has to do.

Whoever loses its parent gets that process for one, and stays a zombie unless it is waited for; and
the kernel keeps every signal from it that it has no handler for. Ours cannot wait for strangers
without taking the ends of its own children from those who wait for them. So it forks: the parent
hands signals on, waits for everybody, and exits as its child has; the child goes on as before.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from ..runtime.exit_codes import SIGNALLED

HANDED_ON = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
"""What the child is to get as if it had been sent to it."""

PR_SET_CHILD_SUBREAPER = 36
"""Source: ``linux/prctl.h``."""


def stand_in_front() -> None:
    """Returns in a child process. This one stays in front of it, and exits when it has ended."""
    _adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it was ignored, nobody would tell of an end
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON | {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    else:
        os._exit(_serve(child))


def _adopt_orphans() -> None:
    """Has Linux treat this process as the first one, for all below it, also where it is not."""
    if sys.platform == "linux" and os.getpid() != 1:
        with suppress(AttributeError, ImportError, OSError):
            import ctypes

            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _serve(child: int) -> int:
    """Hands signals on and waits for everybody until ``child`` ends; returns its exit code."""
    while True:
        number = signal.sigwait(HANDED_ON | {signal.SIGCHLD})
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(child, number)
        elif (code := _reap(child)) is not None:
            return code


def _reap(child: int) -> int | None:
    """Waits for all who have ended; returns the exit code of ``child`` if it is among them."""
    code = None
    with suppress(ChildProcessError):  # nobody is left
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
    return code if code is None or code >= 0 else SIGNALLED - code
