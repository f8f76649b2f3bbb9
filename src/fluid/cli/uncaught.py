"""Errors that nobody can catch any more, of threads and of finalizers, as log records.

Python would print them to stderr as they are: between lines of JSON, and with any text in them.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress

from .readable import readable

logger: logging.Logger = logging.getLogger("python")


def log_uncaught() -> None:
    """Has such errors logged from now on, unless the program sees to them itself."""
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _of_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _of_finalizer


def _of_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_type is SystemExit or failure.exc_value is None:
        return
    name = failure.thread.name if failure.thread else "that has gone"
    error = (failure.exc_type, failure.exc_value, failure.exc_traceback)
    logger.error("thread %s failed", name, exc_info=error)


def _of_finalizer(failure: sys.UnraisableHookArgs) -> None:
    with suppress(Exception):  # the interpreter may be on its way out
        what = f"{failure.err_msg or 'Exception ignored in'}: {readable(failure.object)}"
        value = failure.exc_value
        error = None if value is None else (failure.exc_type, value, failure.exc_traceback)
        logger.error("%s", what, exc_info=error)
