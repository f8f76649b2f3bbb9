"""A child process for ``--reload``: hears signals through us only, and does not outlive us.

It has a session of its own, or Ctrl-C would reach it twice: from the terminal, and through us. And
it holds the end of a pipe whose other end nobody but its parent has: when that one is gone, however
it went, reading from the pipe comes to an end, and the child stops as by a signal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

LIFELINE = "FLUID_LIFELINE"
"""The variable that tells a child its end of the pipe."""


class Child(Protocol):
    """A process that was started and will end."""

    def ask(self) -> None:
        """Asks it to stop."""

    def force(self) -> None:
        """Takes away its grace."""

    def kill(self) -> None:
        """Ends it, and what it has started, on the spot."""

    async def wait(self) -> int:
        """Waits for its end and returns its exit code; -n if signal n has ended it."""


class ChildProcess:
    """A real one; :func:`start` makes it."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int) -> None:
        self._process: asyncio.subprocess.Process = process
        self.pid: int = process.pid
        """Its id, and that of its session."""
        self.lifeline: int = lifeline
        """Our end of the pipe."""

    def ask(self) -> None:
        """Sends SIGTERM."""
        self._send(signal.SIGTERM)

    def force(self) -> None:
        """Sends SIGINT: after a SIGTERM it is the second request at any time.

        A second SIGTERM is the same request for a while, and the first may have come just now.
        """
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """Kills all that is in the session; nobody else would do so with its own children."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # gone, but for a zombie
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Waits for its end."""
        try:
            return await self._process.wait()
        finally:
            os.close(self.lifeline)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


async def start(command: Sequence[str]) -> ChildProcess:
    """Starts ``command``."""
    childs, ours = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, LIFELINE: str(childs)},
            pass_fds=(childs,),
            start_new_session=True,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(childs)
    return ChildProcess(process, ours)


def is_child() -> bool:
    """Returns whether this process was started by :func:`start`, and has not taken note of it."""
    return bool(os.environ.get(LIFELINE))


def end_with_parent() -> None:
    """Sees to it that this process stops when its parent is gone, if a parent has started it so.

    It is a SIGTERM that it gets then: the first, if the parent was killed; a further one, if the
    parent was told to stop before.
    """
    text = os.environ.pop(LIFELINE, "")  # its own children are no concern of the parent's
    if text.isdecimal():
        threading.Thread(
            target=_stop_at_end_of, args=(int(text),), name="fluid.lifeline", daemon=True
        ).start()


def _stop_at_end_of(pipe: int) -> None:
    with suppress(OSError):  # somebody has closed it
        os.set_inheritable(pipe, False)
        if not os.read(pipe, 1):
            os.kill(os.getpid(), signal.SIGTERM)
