"""The worker's task, from its first step to its last: start up, work, clean up.

One task and one context for all of it, so that a cancel scope or a task group may be opened in one
hook and closed in another. Nothing that a hook raises leaves this file: errors become facts, which
``life.py`` has judged at the end.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from .. import tasks
from .hooks import explain, is_default
from .phase import EXIT_STACK, RUN, SHUTDOWN, STARTUP, UNDELIVERED, Phase

if TYPE_CHECKING:
    from .core import Core
    from .life import Life

Hook: TypeAlias = Callable[[], Awaitable[None]]

inside: ContextVar[weakref.ref[Core] | None] = ContextVar("fluid_inside", default=None)
"""The worker whose code is running; inherited by the tasks and callbacks that it creates.

Weak, because a context lives as long as the last timer that was made in it.
"""


async def live(life: Life) -> None:
    """Lives ``life``."""
    life.task = asyncio.current_task()
    inside.set(weakref.ref(life.core))
    if life.being_made:  # an eager task: let startup() have its say before the worker begins
        await tasks.pause()
    error: BaseException | None = None
    if life.started_up or await _start_up(life):
        try:  # as in _attempt(), written out: each worker that waits has this frame less
            if _end_start(life):
                await tasks.pause()
            await life.worker_alive().run()
        except GeneratorExit:
            raise
        except BaseException as caught:
            explain(caught, f"{RUN.value}()")
            error = caught
        if _is_marked(life):
            error, life.facts.forced = await _answer_for_cancels(life, error)
        _note_end(life, error)
    life.note_stragglers()
    life.core.run_ended(error)
    life.leave_running()
    if steps := _cleanup_steps(life, error):
        await _clean_up(life, steps)
    del error, steps  # the traceback leads back to this frame: a cycle for the collector
    life.finish()


async def _start_up(life: Life) -> bool:
    """Awaits ``on_startup``; returns whether ``run`` may follow."""
    if life.stop_asked:  # before the first step: the hook never begins
        life.facts.stopped_in_start = True
        return False
    error = await _attempt(STARTUP, life.worker_alive().on_startup)
    life.started_up = error is None  # also if a cancel that it asked for itself is on its way
    error, was_ours = await _answer_for_cancels(life, error)
    if error is not None and not (was_ours and isinstance(error, asyncio.CancelledError)):
        life.note_start_error(error)
    elif life.stop_asked:
        life.facts.stopped_in_start = True
    else:
        life.phase = RUN
    del error  # as in live()
    return life.phase is RUN


def _end_start(life: Life) -> bool:
    """Ends the start, if that is not over; returns whether its caller has still to come back.

    The caller goes first: it was woken before ``run()`` takes its first step, so it sees a worker
    that is running, however short that ``run()`` may be.
    """
    if life.ready or life.worker_alive().announces_readiness:
        return False
    life.become_ready()
    return True


def _note_end(life: Life, error: BaseException | None) -> None:
    """Notes how ``run`` ended."""
    if life.stop is not None:
        life.stop.clear()
    if error is None:
        return
    if isinstance(error, asyncio.CancelledError):
        if not life.facts.forced:
            life.facts.cancelled = error
    elif life.facts.run_error is not None:  # it was ended for that one; this one came with it
        life.note_cleanup_error(error)
    else:
        life.facts.run_error = error


async def _clean_up(life: Life, steps: list[tuple[Phase, Hook]]) -> None:
    """Awaits what has to be done after ``run``, in order, under deadlines of its own."""
    deadlines = life.deadlines()
    deadlines.arm_cleanup()
    for phase, hook in steps:
        await _tidy(life, phase, hook)
    life.exit_stack = None
    deadlines.clear()


def _cleanup_steps(life: Life, error: BaseException | None) -> list[tuple[Phase, Hook]]:
    steps: list[tuple[Phase, Hook]] = []
    worker = life.worker_alive()
    if (hand_back := life.core.hand_back()) is not None:
        steps.append((UNDELIVERED, hand_back))
    if life.started_up and not is_default(worker.on_shutdown):
        steps.append((SHUTDOWN, worker.on_shutdown))
    if steps or life.exit_stack is not None:
        steps.append((EXIT_STACK, lambda: _close(life.exit_stack, error)))
    return steps


async def _tidy(life: Life, phase: Phase, hook: Hook) -> None:
    life.phase = phase
    error = await _attempt(phase, hook)
    error, was_ours = await _answer_for_cancels(life, error)
    life.note_cut()
    if error is None or (was_ours and isinstance(error, asyncio.CancelledError)):
        return
    if phase is EXIT_STACK and life.facts.cancelled is not None:
        # A task group or a time-out on the stack had cancelled run(), and now says what for.
        life.facts.run_error, life.facts.cancelled = error, None
    else:
        life.note_cleanup_error(error)


async def _attempt(phase: Phase, hook: Hook) -> BaseException | None:
    """Awaits a hook of the user's and returns what it raised, whatever that is."""
    try:
        await hook()
    except GeneratorExit:  # the loop is being torn down: nothing may be awaited any more
        raise
    except BaseException as error:
        explain(error, f"{phase.value}()")
        return error
    return None


def _is_marked(life: Life) -> bool:
    """Returns whether anybody has cancelled the task, and nobody has answered for it."""
    assert life.task is not None
    return life.task.cancelling() > 0 or (life.stop is not None and life.stop.cancels > 0)


async def _answer_for_cancels(
    life: Life, error: BaseException | None
) -> tuple[BaseException | None, bool]:
    """Settles the cancels that a hook has left on the task, so that the next one starts clean.

    Returns:
        What ended the hook, and whether we had cancelled it.
    """
    stop, task, was_ours = life.stop, life.task, False
    if stop is not None:
        was_ours, stop.cancels = stop.cancels > 0, 0
        if not life.is_cleaning:
            stop.clear()
    if task is not None and task.cancelling():
        try:
            # A cancel that the hook asked for itself, on its last step, is still on its way.
            await tasks.pause()
        except asyncio.CancelledError as late:
            error = error or late
        while task.cancelling():
            task.uncancel()
    return error, was_ours


async def _close(stack: AsyncExitStack | None, error: BaseException | None) -> None:
    """Closes ``stack`` as if it had been a ``with`` block around the worker's ``run``.

    A transaction on it is rolled back when ``run`` failed or was cut short, not committed.
    """
    if stack is None:
        return
    if error is None:
        await stack.aclose()
        return
    try:
        await stack.__aexit__(type(error), error, error.__traceback__)
    except BaseException as raised:
        if raised is not error:
            raise
