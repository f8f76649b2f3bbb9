"""Waiting for one thing from many tasks.

Each waiter has a future of its own, so that cancelling one never touches another or the thing
itself, and leaving costs the same however many there are. Futures are kept in order of arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiters(Generic[T]):
    """Those who wait for one thing."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: dict[asyncio.Future[T], None] | None = None

    @property
    def are_waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self._futures)

    async def wait(self, loop: asyncio.AbstractEventLoop) -> T:
        """Waits until the next :meth:`wake` and returns its value."""
        with self.watch(loop) as future:
            return await future

    @contextmanager
    def watch(self, loop: asyncio.AbstractEventLoop) -> Iterator[asyncio.Future[T]]:
        """Lends a future that the next :meth:`wake` resolves."""
        future = self.enter(loop)
        try:
            yield future
        finally:
            self.leave(future)

    def wake(self, value: T) -> None:
        """Gives ``value`` to everybody who is waiting now."""
        futures, self._futures = self._futures, None
        for future in futures or ():
            settle(future, value)

    def enter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        """Returns a future that the next :meth:`wake` resolves; :meth:`leave` with it."""
        future: asyncio.Future[T] = loop.create_future()
        if self._futures is None:
            self._futures = {}
        self._futures[future] = None
        return future

    def leave(self, future: asyncio.Future[T]) -> None:
        """Forgets a future that nobody waits for any more."""
        if self._futures is not None:
            self._futures.pop(future, None)


def future_maker(loop: asyncio.AbstractEventLoop) -> Callable[[], asyncio.Future[None]]:
    """Returns what makes a future of ``loop``, with no frame of Python's between if possible."""
    maker = getattr(loop.create_future, "__func__", None)
    if maker is asyncio.BaseEventLoop.create_future:
        return partial(asyncio.Future, loop=loop)
    return loop.create_future


def settle(future: asyncio.Future[T], value: T) -> None:
    """Gives ``future`` its value, if it has none."""
    if not future.done():
        future.set_result(value)


def fail(future: asyncio.Future[T], error: Exception) -> None:
    """Gives ``future`` an error, if it has nothing yet."""
    if not future.done():
        future.set_exception(error)
