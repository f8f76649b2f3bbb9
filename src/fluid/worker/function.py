"""A worker around a function: calls it again and again, with a pause between."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from ..errors import FluidValueError
from ..settings import duration
from .base import Worker
from .core import Core


class FunctionCore(Core):
    """The private side of a worker around a function."""

    __slots__ = ("function", "heartbeat")

    function: Callable[[], Awaitable[None]]
    heartbeat: float


class WorkerFunction(Worker):
    """Awaits a function, then sleeps ``heartbeat`` seconds, for as long as it is running.

    A stop ends the sleep at once. An exception from the function ends the worker.

    ::

        import asyncio

        from fluid.utils.worker import WorkerFunction


        async def poll() -> None:
            print("polling")


        async def main() -> None:
            async with WorkerFunction(poll, heartbeat=0.1):
                await asyncio.sleep(0.25)


        asyncio.run(main())

    Args:
        run_function: The function to await; it takes no arguments.
        name: As for every worker.
        stopping_grace_period: As for every worker.
        heartbeat: Seconds from the end of one call to the start of the next. With 0 the loop
            still gets a step between calls.

    Raises:
        FluidValueError: If ``run_function`` is not a function, or ``heartbeat`` is not a duration.
    """

    _worker_core_type = FunctionCore
    _worker: FunctionCore

    def __init__(
        self,
        run_function: Callable[[], Awaitable[None]],
        *,
        name: str = "",
        stopping_grace_period: float | None = None,
        heartbeat: float = 0,
    ) -> None:
        super().__init__(name=name, stopping_grace_period=stopping_grace_period)
        subject = f"worker {self._worker.name!r}"
        self._worker.function = _checked(subject, run_function)
        self._worker.heartbeat = duration(f"heartbeat of {subject}", heartbeat)

    async def run(self) -> None:
        """Calls the function until a stop is asked for.

        Raises:
            TypeError: If what the function returned cannot be awaited.

        Cancellation: Goes to the call that runs.
        """
        core = self._worker
        while self.is_running():
            awaitable = core.function()
            if not inspect.isawaitable(awaitable):
                raise TypeError(
                    f"worker {core.name!r}: {core.function!r} returned {awaitable!r}, which cannot "
                    f"be awaited; write it as  async def"
                )
            await awaitable
            if self.is_running():
                await core.sleep(core.heartbeat)


def _checked(
    subject: str, function: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    if inspect.iscoroutine(function):
        function.close()
        raise FluidValueError(
            f"{subject} was given a coroutine; it needs the function itself, "
            f"without the parentheses: WorkerFunction({function.__name__})"
        )
    if not callable(function):
        raise FluidValueError(f"{subject} was given no function to run: {function!r}")
    return function
