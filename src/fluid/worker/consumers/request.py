"""A message whose sender waits for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from ...errors import ConsumerClosed, FluidError
from ..waits import fail, settle
from .lobby import in_its_loop

M = TypeVar("M")


class Request(Generic[M]):
    """A message on its way, and the future of whoever asked. It is queued in place of the message.

    The caller may be gone at any time; the message stays what it is.
    """

    __slots__ = ("_future", "message")

    def __init__(self, message: M, loop: asyncio.AbstractEventLoop) -> None:
        self.message: M = message
        self._future: asyncio.Future[Any] | None = loop.create_future()

    async def outcome(self) -> Any:
        """Returns the answer, or raises what came instead.

        Cancellation: The caller is gone. An error that it was to get in this very step is the cause
        of the ``CancelledError``.
        """
        future = self._future
        assert future is not None
        try:
            return await future
        except asyncio.CancelledError as cancelled:
            if future.done() and not future.cancelled() and (error := future.exception()):
                raise cancelled from error
            raise
        finally:
            # An error leads to the frames of its handler, and those to this request.
            self._future = None
            del future

    def answer(self, result: object) -> None:
        """Gives the caller the result."""
        if self._future is not None:
            in_its_loop(self._future, settle, self._future, result)

    def refuse(self, error: BaseException) -> bool:
        """Gives the caller an error; returns whether there was a caller to hear of it.

        A ``CancelledError`` would cancel the caller, an error that is no ``Exception`` would end
        the caller's loop, and no future takes a ``StopIteration``: they come as the cause of a
        ``FluidError``.
        """
        if self._future is None or self._future.done():
            return False
        if not isinstance(error, Exception) or isinstance(error, StopIteration):
            wrapped = FluidError(f"the handler was ended by {error!r}")
            wrapped.__cause__ = error
            error = wrapped
        in_its_loop(self._future, fail, self._future, error)
        return True

    def give_up(self, consumer: str) -> None:
        """Tells the caller that nobody will handle the message."""
        self.refuse(ConsumerClosed(f"{consumer} ended before it could answer a request"))


def give_up_requests(items: Iterable[object], consumer: str) -> None:
    """Tells all callers among ``items`` that nobody will handle their messages."""
    for item in items:
        if type(item) is Request:
            item.give_up(consumer)


def bare(item: Any) -> Any:
    """Returns the message itself, whether or not anybody waits for an answer to it."""
    return item.message if type(item) is Request else item
