"""Runs one program on a fresh virtual loop and holds it to account when it has ended.

The loop decides what happens next; here it is decided whether what has happened was all right.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from ..errors import FluidError, FluidValueError
from .errors import LeakError, UnhandledError, VirtualLoopError
from .loop import DEFAULT_HORIZON, DEFAULT_LIVELOCK_AFTER, VirtualLoop
from .pending import callback_name, pending_tasks, tasks_of
from .world import EAGER_TASK_FACTORY

T = TypeVar("T")

Leaks: TypeAlias = Literal["error", "ignore"]
"""What it means that ``main`` has left something alive."""


def run(
    main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    eager: bool = False,
    horizon: float = DEFAULT_HORIZON,
    livelock_after: int = DEFAULT_LIVELOCK_AFTER,
    leaks: Leaks = "error",
    debug: bool = False,
) -> T:
    """Runs ``main`` on a fresh :class:`VirtualLoop` and returns what it returns.

    When ``main`` has ended, what it left behind is cancelled and closed, and reported. An exception
    of ``main`` itself is always the one that is raised: everything else that went wrong is added to
    it as notes.

    Args:
        main: An async function without arguments, or a coroutine.
        eager: Whether tasks begin to run inside ``create_task``. Needs Python 3.12. Default False.
        horizon: The last instant of virtual time, in seconds. Default one week.
        livelock_after: Callbacks allowed in one instant. Default 100,000.
        leaks: Whether what is left alive is an error or only ended. Default "error".
        debug: Whether asyncio's debug mode is on. Default False.

    Raises:
        UnhandledError: If an exception reached nobody but the loop's exception handler. Await the
            task that raised it.
        LeakError: If tasks, timers or async generators are left. End them before ``main`` does.
        DeadlockError, LivelockError, HorizonError: As the loop says.
    """
    task_factory = eager_task_factory() if eager else None
    loop = VirtualLoop(horizon=horizon, livelock_after=livelock_after)
    loop.set_task_factory(task_factory)
    return run_on(loop, main, leaks=leaks, debug=debug)


def run_on(
    loop: VirtualLoop,
    main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    leaks: Leaks = "error",
    debug: bool = False,
) -> T:
    """Does what :func:`run` does, on a loop that the caller has made for this one run."""
    if asyncio._get_running_loop() is not None:
        loop.close()
        raise FluidError(
            "run() cannot start its loop: one is already running in this thread. "
            "Inside it, await the coroutine instead."
        )
    runner = asyncio.Runner(debug=debug, loop_factory=lambda: loop)
    # What is older than the run is none of its business, and need not be searched at its end.
    gc.freeze()
    try:
        result = runner.run(_coroutine_of(main))
    except BaseException as error:
        # The tasks that a verdict of the loop has named are not worth a second report.
        named = isinstance(error, VirtualLoopError)
        _note(error, _end(runner, loop, report_leaks=leaks == "error" and not named))
        raise
    else:
        _raise_first(_end(runner, loop, report_leaks=leaks == "error"))
    finally:
        gc.unfreeze()
    return result


def _coroutine_of(
    main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
) -> Coroutine[Any, Any, T]:
    coroutine: object = main() if callable(main) else main
    if not asyncio.iscoroutine(coroutine):
        raise FluidValueError(
            f"run() cannot run {main!r}: it is neither an async function without arguments nor a "
            f"coroutine. Probably a plain `def` has to become an `async def`."
        )
    return coroutine


def eager_task_factory() -> Any:
    """Returns asyncio's factory of eager tasks, which Python 3.11 does not have."""
    if EAGER_TASK_FACTORY is None:
        raise FluidValueError("eager=True cannot be used: it needs Python 3.12 or newer")
    return EAGER_TASK_FACTORY


def _end(runner: asyncio.Runner, loop: VirtualLoop, *, report_leaks: bool) -> list[BaseException]:
    """Ends what is left, closes the loop, and returns what was not all right, worst first."""
    problems: list[BaseException] = []
    tasks, generators, timers = pending_tasks(loop), loop.open_generators(), list[str]()
    try:
        with runner:
            timers = runner.run(_cancel_tasks(loop))
    except (Exception, SystemExit) as error:
        problems.append(error)
        for task in tasks_of(loop):
            # It has been named; that it is destroyed while pending is no further news.
            task._log_destroy_pending = False  # type: ignore[attr-defined]
    if report_leaks and (tasks or timers or generators):
        message = "main has ended and left alive:"
        problems.insert(0, LeakError(message, tasks, timers=timers, generators=generators))
    # Once, and only now: what was collected late is then reported in the run that lost it.
    gc.collect()
    if loop.unhandled:
        problems.insert(0, UnhandledError(loop.unhandled))
    return problems


async def _cancel_tasks(loop: VirtualLoop) -> list[str]:
    """Cancels the tasks that are left, waits for them, and returns the timers that outlive them."""
    tasks = tasks_of(loop)
    for task in tasks:
        task.cancel("main has ended")
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(end, Exception):
            message = "a task that main left behind raised when it was cancelled"
            loop.call_exception_handler({"message": message, "exception": end})
    return [
        f"{callback_name(timer)}, due at {timer.when()} seconds" for timer in loop.live_timers()
    ]


def _raise_first(problems: Sequence[BaseException]) -> None:
    if problems:
        _note(problems[0], problems[1:])
        raise problems[0]


def _note(error: BaseException, others: Iterable[BaseException]) -> None:
    for other in others:
        error.add_note(f"also: {other}")
