"""Waiting for anything at all, for as long as the worker is not asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from .. import tasks
from .life import Life
from .waits import settle

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
    await _give_way(awaitable)
    with CancelledByStop(life):
        return await awaitable
    return default


class CancelledByStop:
    """Cancels its block when a stop is asked for, and answers for that cancel at its end.

    The block is a part of the caller's own task. In a task of its own it could end with a result
    that has not reached the caller yet when somebody cancels that one, and the result would be
    lost.

    Source:
        The cancels are counted as ``asyncio.timeout`` counts them.
    """

    __slots__ = ("_before", "_has_cancelled", "_life", "_stop", "_task")

    def __init__(self, life: Life) -> None:
        self._life: Life = life
        self._has_cancelled: bool = False

    def __enter__(self) -> None:
        life, task = self._life, asyncio.current_task()
        assert task is not None
        self._task: asyncio.Task[object] | None = task
        self._before: int = task.cancelling()
        self._stop: asyncio.Future[bool] = life.stopping.enter(life.loop)
        self._stop.add_done_callback(self._cancel)
        if life.stop_asked:
            settle(self._stop, False)

    def _cancel(self, _: object) -> None:
        if self._task is not None:
            self._has_cancelled = True
            tasks.cancel(self._task, "fluid: its worker was asked to stop")

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        task, self._task = self._task, None
        assert task is not None
        self._stop.remove_done_callback(self._cancel)
        self._life.stopping.leave(self._stop)
        is_ours = self._has_cancelled and task.uncancel() <= self._before
        return is_ours and isinstance(error, asyncio.CancelledError)


async def _give_way(awaitable: Awaitable[object]) -> None:
    """Gives the loop a step, because what is awaited may be ready each time."""
    try:
        await tasks.pause()
    except BaseException:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()  # nobody will await it now
        raise


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
