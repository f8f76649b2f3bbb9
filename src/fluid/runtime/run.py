"""``fluid.run(worker)``: a worker as the main job of a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator

from ..errors import FluidError
from ..rules.lifecycle import WorkerState
from ..worker import Worker
from .exit_codes import Facts, exit_code
from .signals import taken

logger = logging.getLogger("fluid.runtime")


def run(
    worker: Worker, *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """Runs ``worker`` until it ends or a signal stops it; returns if all went well.

    The first SIGTERM or SIGINT asks for a graceful stop, the second takes away the grace (the same
    signal within 0.5 seconds counts once), the third ends the process on the spot. Signals are
    taken on the main thread only.

    Args:
        worker: The worker, not started yet: a group, usually.
        loop_factory: Makes the event loop; asyncio's own by default.

    Raises:
        SystemExit: With 1 if a worker failed or the stop left something undone, 3 if the start
            failed, 128 + n if signal n had to be repeated, k if a worker raised
            ``SystemExit(k)``. The reason is the last line on stderr.
        FluidError: If called where an event loop is running.
    """
    if asyncio._get_running_loop() is not None:
        raise FluidError("fluid.run() starts an event loop of its own; here: await worker.startup()")
    facts = Facts()
    runner = asyncio.Runner(loop_factory=loop_factory)
    with _signals_stop(worker, runner.get_loop(), facts):
        runner.run(_live(worker, facts))
        code = exit_code(facts)
        _say_why(worker, facts, code)
        if _is_abandoned(worker):
            _leave_now(code)  # asyncio's own teardown would wait for what refuses to end
        runner.close()
    if code:
        raise SystemExit(code)


async def _live(worker: Worker, facts: Facts) -> None:
    try:
        await worker.startup()
    except BaseException as error:
        stopped = worker._worker.life is not None and worker._worker.life.stop_asked
        if worker.worker_exit is None or worker.worker_exit.exception is not None or not stopped:
            facts.start_error = error
        return
    try:
        await worker.wait_for_shutdown()
    except BaseException as error:
        facts.error = error
    facts.undone = "; ".join(_undone(worker))


@contextlib.contextmanager
def _signals_stop(
    worker: Worker, loop: asyncio.AbstractEventLoop, facts: Facts
) -> Iterator[None]:
    def ask() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nothing to ask
            loop.call_soon_threadsafe(worker.gracefully_stop)

    def force(number: int) -> None:
        facts.repeated_signal = number
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(worker._worker.force)

    with taken(ask, force, loop.time):
        yield


def _everybody(worker: Worker) -> Iterator[Worker]:
    yield worker
    for child in worker.workers():
        if child is not worker:
            yield from _everybody(child)


def _undone(worker: Worker) -> Iterator[str]:
    """Says, for each worker that did not end well without an error, what is the matter."""
    for each in _everybody(worker):
        record = each.worker_exit
        if record is None:
            continue
        if record.abandoned:
            yield f"{record.path} was abandoned"
        elif record.state is WorkerState.FORCE_STOPPED:
            yield f"{record.path} was stopped by force"
        if lost := record.account.get("dropped", 0) + record.account.get("queued", 0):
            yield f"{record.path} left {lost} messages undelivered"


def _is_abandoned(worker: Worker) -> bool:
    return any(each.worker_exit and each.worker_exit.abandoned for each in _everybody(worker))


def _say_why(worker: Worker, facts: Facts, code: int) -> None:
    if not code:
        return
    error = facts.start_error or facts.error
    if facts.start_error is not None:
        why = f"it did not start ({type(error).__name__}: {error})"
    elif error is not None:
        why = f"it failed ({type(error).__name__}: {error})"
    else:
        why = facts.undone or "it was told twice to stop"
    sys.stderr.write(f"{worker.worker_name}: exit code {code}: {why}\n")


def _leave_now(code: int) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
