"""What is done about workers that end while the application around them serves.

A service that went on without its workers would accept what nobody handles, and nobody would
notice. Only the process can tell its server to stop, by a signal: ASGI has no word for it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .. import events, logs
from ..worker import Worker

logger: logging.Logger = logging.getLogger("fluid.http")


@contextmanager
def noticed(worker: Worker, stop_server: bool) -> Iterator[None]:
    """Notices if a tree of workers comes to its end in here, and has the server stop."""
    loop, path = asyncio.get_running_loop(), worker.worker_path

    def notice() -> None:
        is_heard = stop_server and _has_server()
        what = "the server is asked to stop" if is_heard else "requests go on without it"
        text = "worker %s ends while the application serves; %s"
        logs.safely(logger.warning, text, path, what, extra={"worker": path})
        if is_heard:  # not in here: a handler may raise, and the worker is in the middle of a turn
            loop.call_soon(signal.raise_signal, signal.SIGTERM)

    def heed(event: events.WorkerEvent) -> None:
        if isinstance(event, events.WorkerStopping) and event.path == path:
            notice()

    unsubscribe = worker.subscribe(heed)
    try:
        if not worker.is_running():  # as with the last step of its start
            notice()
        yield
    finally:
        unsubscribe()


def _has_server() -> bool:
    """Returns whether somebody waits for the signal, whom a handler of Python's can wake."""
    handler = signal.getsignal(signal.SIGTERM)
    handler = getattr(handler, "stands_in_for", handler)  # a fluid.run() that is over is no server
    return callable(handler) and threading.current_thread() is threading.main_thread()
