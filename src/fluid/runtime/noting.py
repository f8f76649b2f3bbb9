"""How the lives of root workers went, written down as facts; and how they are asked to end."""

from __future__ import annotations

import asyncio
import logging

from .. import events, logs
from ..errors import FluidError, WorkerStartError
from ..places import place_of
from ..worker import Worker
from ..worker.life import Life
from .exit_codes import Facts
from .stacks import stack_of

logger: logging.Logger = logging.getLogger("fluid.runtime")


def note_failed_open(facts: Facts, error: BaseException, *, was_asked: bool) -> None:
    """Notes why nobody outside could look on, unless the process had to end anyway."""
    if was_asked and isinstance(error, asyncio.CancelledError | WorkerStartError):
        return
    if isinstance(error, FluidError) and not isinstance(error, WorkerStartError):
        facts.usage_error = error
    else:
        facts.start_error = error


def note_failed_make(facts: Facts, error: BaseException, name: str, *, debug: bool) -> None:
    """Notes why there is no worker, and where in the user's code that was."""
    facts.start_error = error
    facts.place = place_of(stack_of(error))
    if debug:
        logs.safely(logger.error, "%s could not be made", name, exc_info=error)


def note_failed_start(
    facts: Facts, error: BaseException, worker: Worker, *, was_asked: bool
) -> None:
    """Notes why a worker did not start; one that was stopped meanwhile may have failed as well.

    Args:
        facts: Where to.
        error: What ``startup()`` raised.
        worker: Whose.
        was_asked: Whether the process had to end, or to restart it, by then.
    """
    life, record = worker._worker.life, worker.worker_exit
    own_error = None if record is None else record.exception
    was_asked = was_asked or (life is not None and life.stop_asked)
    if was_asked and isinstance(error, asyncio.CancelledError | WorkerStartError):
        facts.start_error = own_error
        return
    facts.start_error = error
    if error is not own_error and not isinstance(error, FluidError | SystemExit):
        # It came from an override of startup(): no life has failed, so no event has told of it.
        logs.safely(logger.error, "worker %s did not start", worker.worker_path, exc_info=error)


def note_end(facts: Facts, life: Life) -> None:
    """Notes what a life has ended with."""
    assert life.outcome is not None
    facts.origin = life.origin
    if life.outcome.exception is not facts.start_error:
        facts.error = life.outcome.exception


def ask_to_end(worker: Worker) -> None:
    """Asks a worker to stop, whatever an override of ``gracefully_stop`` makes of that.

    It may raise, or not pass the request on: the bound of the stop holds all the same.
    """
    core = worker._worker
    try:
        worker.gracefully_stop()
    except BaseException as error:
        core.emit(events.SecondaryError, "gracefully_stop", error)
        core.ask_to_stop()
        if not isinstance(error, Exception):
            raise
    finally:
        if core.life is not None:
            core.life.bound_stop()
