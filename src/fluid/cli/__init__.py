"""The command ``fluid``: ``fluid run``, ``fluid check``, ``fluid config``, ``fluid health``.

This is its door and imports next to nothing: what a command needs is loaded after the first lines
of :func:`main` have seen to Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command ``fluid`` and leaves with its exit code.

    Args:
        arguments: What stands behind ``fluid`` on the command line; by default that of the process.

    Raises:
        SystemExit: Always, with the exit code.
    """
    _let_ctrl_c_end_the_imports()
    _fill_missing_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["health"]:  # a probe: each second counts that it does not take
        from .health import answer

        if (code := answer(words[1:])) is not None:
            raise SystemExit(code)
    from .execution import execute

    raise SystemExit(execute(arguments))


def _let_ctrl_c_end_the_imports() -> None:
    """Gives SIGINT its default action, until the runtime takes it.

    Python's own handler would answer Ctrl-C with the traceback of whatever line of whatever module
    was just being imported. A SIGINT that is ignored, as in a job in the background, stays so.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _fill_missing_streams() -> None:
    """Opens ``/dev/null`` for each standard stream that the process was started without.

    Else what it opens next, a socket of the event loop for one, would have the number of that
    stream, and get what C code and child processes write there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
