"""What may be given to a process in place of a worker that can run, and what to do instead."""

from __future__ import annotations

from inspect import iscoroutine

from ..errors import FluidValueError, WorkerStartError
from ..worker import Worker
from ..worker.core import core_of


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
