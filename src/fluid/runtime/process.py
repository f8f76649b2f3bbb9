"""``fluid.run(worker)``: a worker as the main job of a process."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from inspect import iscoroutine
from typing import TextIO

from ..errors import FluidError, FluidValueError, WorkerStartError
from ..worker import Worker
from ..worker.core import core_of
from .exit_codes import Facts, exit_code, reason
from .root import Root
from .signals import taken
from .undone import is_abandoned, undone


def run(
    worker: Worker, *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """Runs ``worker`` until it ends or a signal stops it; returns if all went well.

    ::

        from fluid import Worker, run


        class Countdown(Worker):
            async def run(self) -> None:
                for number in (3, 2, 1):
                    print(number)
                    await self.sleep(0.1)


        if __name__ == "__main__":
            run(Countdown())

    The first SIGTERM or SIGINT asks for a graceful stop, the second takes away the grace, the third
    ends the process on the spot; the same signal within 0.5 seconds counts once. Signals are taken
    on the main thread only, and given back at the end.

    A ``SystemExit`` that a worker raises, in ``after_shutdown`` or anywhere else, ends the process
    after everybody else has had the time to stop.

    Args:
        worker: The worker, not started yet: a group, usually.
        loop_factory: Makes the event loop; asyncio's own by default.

    Raises:
        SystemExit: With 1 if a worker failed or the stop left something undone, 3 if the start
            failed, 128 + n if signal n was the second request to stop, k if a worker raised
            ``SystemExit(k)``. The reason is the last line on stderr.
        FluidValueError: If ``worker`` is not a worker.
        WorkerStartError: If it was started before.
        FluidError: If called where an event loop is running.
    """
    _refuse_what_cannot_run(worker)
    runner = asyncio.Runner(loop_factory=loop_factory)
    root = Root(worker, runner.get_loop())
    facts = root.facts
    with taken(runner.get_loop(), root.obey) as count:
        root.live_out()
        facts.undone = undone(worker)
        abandoned = is_abandoned(worker)
        if not abandoned:  # else asyncio's teardown would wait for what refuses to end
            with root.noting_exits():
                # Waits for the threads of the default executor, too: one that hangs is a matter
                # for the process's deadline, which does not exist yet. Two more signals help.
                runner.close()
        facts.repeated_signal = count.repeated
        code = exit_code(facts)
        if abandoned and threading.current_thread() is threading.main_thread():
            logging.shutdown()
            _say_last_words(worker, facts, code)
            os._exit(code)
        _say_last_words(worker, facts, code)
    if code:
        raise SystemExit(code)


def _refuse_what_cannot_run(worker: object) -> None:
    """Raises for the likely mistakes before anything has been made or taken."""
    if iscoroutine(worker):
        worker.close()  # else Python would complain that nobody awaited it
        raise FluidValueError(
            f"fluid.run() runs a worker, not coroutine {worker.__qualname__!r}; "
            f"a coroutine is run by  asyncio.run(...)"
        )
    if isinstance(worker, type) and issubclass(worker, Worker):
        raise FluidValueError(
            f"fluid.run() runs a worker, not a class of them; make one:  run({worker.__name__}())"
        )
    if not isinstance(worker, Worker):
        raise FluidValueError(f"fluid.run() runs a worker, not {worker!r}")
    if core_of(worker).life is not None:
        state = worker.worker_state.value.replace("_", "-")
        raise WorkerStartError(f"worker {worker.worker_name!r} cannot run: it is {state}")
    if asyncio._get_running_loop() is not None:  # the only one that answers without raising
        raise FluidError(
            "fluid.run() makes an event loop of its own, and one is running here already; "
            "write  await worker.startup()  or  async with worker: ..."
        )


def _say_last_words(worker: Worker, facts: Facts, code: int) -> None:
    """Writes the last line, if there is one to write, and all that is still in a buffer."""
    if why := reason(facts):
        with suppress(AttributeError, OSError, ValueError):  # as below
            sys.stderr.write(f"{worker.worker_path}: exit code {code}: {why}\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, disk full, closed
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
