"""The last line of a process, and all that is still in a buffer when it ends."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TextIO

from .. import logs
from .exit_codes import Facts, reason
from .front import Front


def say(front: Front, path: str, facts: Facts, code: int) -> None:
    """Says why a process ends as it does, if there is anything to say, and writes all out.

    Args:
        front: Where it is said.
        path: The root worker's.
        facts: How it has been doing.
        code: The exit code.
    """
    if why := reason(facts):
        words = f"{path}: exit code {code}: {why}"
        logs.safely(front.last_words, words, code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, full, closed
            _flush(stream)


def _flush(stream: TextIO) -> None:
    """Writes out what is buffered, or drops it where nobody can read it any more.

    The interpreter would try again on its way out, fail, and turn any exit code into 120. That is
    right for a full disk, and left to it, but not for a reader that has gone.

    Source:
        "Note on SIGPIPE" in the documentation of Python's ``signal``.
    """
    try:
        stream.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EBADF):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
