"""Waits for a worker to come to a state, or to tell of something, without asking again and again.

For tests: the waits have a limit, and say what stood in the way. Nothing here touches the worker;
what it does next is up to whoever calls its verbs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ..errors import FluidValueError
from ..events import WorkerEvent
from ..rules.lifecycle import TRANSITIONS, WorkerState
from ..settings import duration
from ..worker.base import Worker
from ..worker.core import core_of
from ..worker.waits import settle
from .errors import UnreachableStateError, WaitTimeoutError

T = TypeVar("T")
E = TypeVar("E", bound=WorkerEvent)

DEFAULT_TIMEOUT = 60.0
"""Seconds of the loop's clock; on a virtual loop they take no time at all."""


async def wait_for_state(
    worker: Worker, *states: WorkerState, timeout: float = DEFAULT_TIMEOUT
) -> WorkerState:
    """Waits until ``worker`` is in one of ``states``, and returns which one that was.

    Returns at once if it is in one already. Every state of a life comes with an event, and is seen
    at that event, however short it is: a worker that starts and ends in one step has been RUNNING.
    By the time that the caller goes on it may be in the next one. One thing is seen late: STOPPING
    begins with the request to stop, and its event follows in the next step of the loop.

    Args:
        worker: The worker; it lives, or will live, on the running loop.
        states: The states to wait for, one at least.
        timeout: The longest to wait, in seconds. Default 60; ``math.inf`` for no limit.

    Raises:
        UnreachableStateError: As soon as none of the states can come any more. If an error ended
            the worker, that is its cause.
        WaitTimeoutError: If the time was up first; with the place where the worker waits.
        WrongLoopError: If the worker lives on another loop.
        FluidValueError: If there is no state to wait for, or the time-out is no duration.

    Cancellation: Safe; the worker is not touched.
    """
    duration("timeout of wait_for_state()", timeout)
    wanted = frozenset(states)
    if not wanted or not all(isinstance(state, WorkerState) for state in wanted):
        raise FluidValueError(
            f"wait_for_state() takes one state or more, as in  "
            f"wait_for_state(worker, WorkerState.RUNNING); it was given {states!r}"
        )

    def decisive(_: WorkerEvent | None = None) -> WorkerState | None:
        state = worker.worker_state
        return state if state in wanted or wanted.isdisjoint(reachable_from(state)) else None

    state = decisive() or await _next(worker, "wait_for_state", decisive, timeout)
    if state is None:
        raise _timed_out(worker, f"to be {_either(wanted)}", timeout)
    if state not in wanted:
        raise _unreachable(worker, state, wanted)
    return state


async def wait_for_event(
    worker: Worker,
    event_type: type[E],
    *,
    timeout: float = DEFAULT_TIMEOUT,
    where: Callable[[E], bool] | None = None,
) -> E:
    """Waits for the next event of a type, of ``worker`` or of a worker below it, and returns it.

    What happened before this coroutine took its first step is over: for the past, ask for a state.

    Args:
        worker: The worker; it lives, or will live, on the running loop.
        event_type: The class of the event, or a base of it.
        timeout: The longest to wait, in seconds. Default 60; ``math.inf`` for no limit.
        where: Says whether an event is the one. Default: the first of its type is.

    Raises:
        WaitTimeoutError: If the time was up first; with the place where the worker waits.
        WrongLoopError: If the worker lives on another loop.
        FluidValueError: If ``event_type`` is no class of events, or the time-out no duration.
        Exception: What ``where`` raised.

    Cancellation: Safe; the worker is not touched.
    """
    duration("timeout of wait_for_event()", timeout)
    if not (isinstance(event_type, type) and issubclass(event_type, WorkerEvent)):
        raise FluidValueError(
            f"wait_for_event() takes a class of events, as in  "
            f"wait_for_event(worker, WorkerReady); it was given {event_type!r}"
        )

    def decisive(event: WorkerEvent) -> E | None:
        if isinstance(event, event_type) and (where is None or where(event)):
            return event
        return None

    event = await _next(worker, "wait_for_event", decisive, timeout)
    if event is None:
        raise _timed_out(worker, f"to tell of {event_type.__name__}", timeout)
    return event


def reachable_from(state: WorkerState) -> frozenset[WorkerState]:
    """Returns ``state`` and all that can follow it, in one move or in many."""
    known: set[WorkerState] = set()
    new = {state}
    while new:
        known |= new
        new = {target for source in new for target in TRANSITIONS[source].values()} - known
    return frozenset(known)


async def _next(
    worker: Worker, verb: str, decisive: Callable[[WorkerEvent], T | None], timeout: float
) -> T | None:
    """Returns the first that ``decisive`` makes of an event, or None when the time is up."""
    core, loop = core_of(worker), asyncio.get_running_loop()
    if core.life is not None and core.life.outcome is None:
        core.check_loop(core.life, verb)
    waiting: list[asyncio.Future[T | None]] = [loop.create_future()]

    def listen(event: WorkerEvent) -> None:
        if waiting[0].done():
            return
        try:
            if (answer := decisive(event)) is not None:
                waiting[0].set_result(answer)
        except Exception as error:  # a listener's error would only be logged
            waiting[0].set_exception(error)

    unsubscribe = worker.subscribe(listen)
    timer = loop.call_later(timeout, settle, waiting[0], None)
    try:
        return await waiting[0]
    finally:
        unsubscribe()
        timer.cancel()
        waiting.clear()  # an error in the future refers to this frame: that would be a cycle


def _either(states: frozenset[WorkerState]) -> str:
    return " or ".join(_text(state) for state in WorkerState if state in states)


def _text(state: WorkerState) -> str:
    return state.value.replace("_", "-")


def _timed_out(worker: Worker, what: str, timeout: float) -> WaitTimeoutError:
    state, path = worker.worker_state, worker.worker_path
    return WaitTimeoutError(
        f"worker {path!r} was waited for in vain for {timeout:g} seconds, {what}: "
        f"it is {_text(state)}",
        timeout=timeout,
        state=state,
        stack=core_of(worker).waits_at(),
    )


def _unreachable(
    worker: Worker, state: WorkerState, wanted: frozenset[WorkerState]
) -> UnreachableStateError:
    error = UnreachableStateError(
        f"worker {worker.worker_path!r} will never be {_either(wanted)} any more: "
        f"it is {_text(state)}",
        state=state,
        states=wanted,
    )
    record = worker.worker_exit
    error.__cause__ = None if record is None else record.exception
    return error
