"""A worker that somebody hands over to be run: made by a function, if need be, and never started.

What is handed over in its place by mistake is refused with what to write instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutine
from typing import TypeAlias

from ..errors import FluidValueError, WorkerStartError
from .base import Worker
from .core import core_of

Make: TypeAlias = Callable[[], Worker | Awaitable[Worker]]
"""Makes a worker: a class of them, a function, an async function."""


async def made_by(make: Make) -> Worker:
    """Returns what ``make`` makes, which need not be a worker: see :func:`is_usable`."""
    made = make()
    return await made if isawaitable(made) else made


def is_usable(thing: object, subject: str = "fluid.run() runs", call: str = "run({})") -> Worker:
    """Returns ``thing`` if it is a worker that has not been started yet.

    Args:
        thing: Whatever it is.
        subject: The beginning of what is said if it is not.
        call: What is done with an instance, for an example.

    Raises:
        FluidValueError: If it is not a worker.
        WorkerStartError: If it was started before.
    """
    if iscoroutine(thing):
        thing.close()  # else Python would complain that nobody awaited it
        raise FluidValueError(
            f"{subject} a worker, not coroutine {thing.__qualname__!r}; "
            f"a coroutine is run by  asyncio.run(...)"
        )
    if isinstance(thing, type) and issubclass(thing, Worker):
        instance = call.format(f"{thing.__name__}()")
        raise FluidValueError(f"{subject} a worker, not a class of them; make one:  {instance}")
    if not isinstance(thing, Worker):
        hint = '; is a "return" missing?' if thing is None else ""
        raise FluidValueError(f"{subject} a worker, not {thing!r}{hint}")
    if core_of(thing).life is not None:
        state = thing.worker_state.value.replace("_", "-")
        raise WorkerStartError(
            f"worker {thing.worker_name!r} cannot run: it is {state}; nobody else may start it"
        )
    return thing
