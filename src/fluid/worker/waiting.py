"""Waiting for anything at all, for as long as the worker is not asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from .. import tasks
from .life import Life

if TYPE_CHECKING:
    from .core import Core

T = TypeVar("T")
D = TypeVar("D")


async def wait_or_stop(core: Core, awaitable: Awaitable[T], default: D) -> T | D:
    """Returns the result of ``awaitable``, or ``default`` if a stop is asked for first."""
    life = core.life
    if life is None or life.is_cleaning or life.outcome is not None:
        return await awaitable
    if isinstance(awaitable, asyncio.Future):
        await _either(life, awaitable)
        return awaitable.result() if awaitable.done() else default
    return await _run(life, awaitable, default)


async def _run(life: Life, awaitable: Awaitable[T], default: D) -> T | D:
    task = tasks.spawn(
        _as_coroutine(awaitable), loop=life.loop, name=f"{life.core.name} waits or stops"
    )
    try:
        await _either(life, task)
        await _end(task)
    except asyncio.CancelledError:
        await _end(task)
        error = tasks.end_of(task)
        if error is None or isinstance(error, asyncio.CancelledError):
            raise
        raise error from None  # as in any coroutine: what went wrong on its way out
    return default if task.cancelled() and life.stop_asked else task.result()


async def _end(task: asyncio.Task[T]) -> None:
    if not task.done():
        await tasks.cancel_and_wait(task, "fluid: its worker was asked to stop")


async def _either(life: Life, future: asyncio.Future[T]) -> None:
    """Waits until ``future`` is done or a stop is asked for, whichever comes first."""
    if life.stop_asked:
        await tasks.pause()
        return
    with life.stopping.watch(life.loop) as stop:

        def wake(_: object) -> None:
            if not stop.done():
                stop.set_result(True)

        future.add_done_callback(wake)
        try:
            await stop
        finally:
            future.remove_done_callback(wake)


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable
