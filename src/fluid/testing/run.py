"""Runs one program on a fresh virtual loop and holds it to account when it has ended.

The loop decides what happens next; here it is decided whether what has happened was all right.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, TypeVar

from ..errors import FluidError, FluidValueError
from .belongings import timer_text
from .errors import LeakError, UnhandledError, VirtualLoopError
from .loop import DEFAULT_HORIZON, DEFAULT_LIVELOCK_AFTER, VirtualLoop
from .pending import pending_tasks, tasks_of
from .world import EAGER_TASK_FACTORY

T = TypeVar("T")

OnLeaks: TypeAlias = Literal["error", "ignore"]
"""What it means that ``main`` has left something alive."""

LAST_PASSES = 10
"""Passes that the loop takes for callbacks alone, when nothing else is left."""


def run(
    main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    eager: bool = False,
    horizon: float = DEFAULT_HORIZON,
    livelock_after: int = DEFAULT_LIVELOCK_AFTER,
    leaks: OnLeaks = "error",
    debug: bool = False,
) -> T:
    """Runs ``main`` on a fresh :class:`VirtualLoop` and returns what it returns.

    When ``main`` has ended, what it left behind is cancelled and closed, and reported. An exception
    of ``main`` itself is always the one that is raised: everything else that went wrong is added to
    it as notes.

    Args:
        main: An async function without arguments, or a coroutine.
        eager: Whether tasks begin to run inside ``create_task``. Needs Python 3.12. Default False.
        horizon: The last instant of virtual time, in seconds. Default one week, 604,800.
        livelock_after: Callbacks allowed in one instant. Default 100,000.
        leaks: Whether what is left alive is an error or only ended. Default "error".
        debug: Whether asyncio's debug mode is on. Default False.

    Raises:
        UnhandledError: If an exception reached nobody but the loop's exception handler. Await the
            task that raised it.
        LeakError: If tasks, timers or async generators are left. End them before ``main`` does.
        DeadlockError: As the loop says.
        LivelockError: As the loop says.
        HorizonError: As the loop says.
        FluidValueError: If ``main`` is no coroutine, and no function that makes one, or this Python
            has no eager tasks.
        FluidError: If a loop is running in this thread.
        BaseException: What ``main`` raised.
    """
    task_factory = eager_task_factory() if eager else None
    loop = VirtualLoop(horizon=horizon, livelock_after=livelock_after)
    loop.set_task_factory(task_factory)
    return run_on(loop, main, leaks=leaks, debug=debug)


def run_on(
    loop: VirtualLoop,
    main: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    leaks: OnLeaks = "error",
    debug: bool = False,
    on_end: Callable[[], None] | None = None,
) -> T:
    """Does what :func:`run` does, on a loop that the caller has made for this one run.

    ``on_end`` is called when the run is over, whatever ended it, before what is left is ended too.
    """
    if asyncio._get_running_loop() is not None:
        loop.close()
        raise FluidError(
            "run() cannot start its loop: one is already running in this thread. "
            "Inside it, await the coroutine instead."
        )
    loop.set_debug(debug)
    with nothing_older_collected():
        try:
            task = loop.create_task(_coroutine_of(main), name="main")
            try:
                result = loop.run_until_complete(task)
            finally:
                if on_end is not None:
                    on_end()
        except BaseException as error:
            # The tasks that a verdict of the loop has named are not worth a second report.
            named = isinstance(error, VirtualLoopError)
            _note(error, _end(loop, report_leaks=leaks == "error" and not named))
            raise
        else:
            _raise_first(_end(loop, report_leaks=leaks == "error"))
        return result


@contextmanager
def nothing_older_collected() -> Iterator[None]:
    """Spares the collector, at the end of a run, all that is older than the outermost block.

    Only that one freezes: the garbage of one run has still to be collected in the next.
    """
    global _blocks
    _blocks += 1
    if _blocks == 1:
        gc.freeze()
    try:
        yield
    finally:
        _blocks -= 1
        if not _blocks:
            gc.unfreeze()


_blocks = 0
"""Blocks of :func:`nothing_older_collected` that are open."""


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


def _end(loop: VirtualLoop, *, report_leaks: bool) -> list[BaseException]:
    """Ends what is left, closes the loop, and returns what was not all right, worst first."""
    problems: list[BaseException] = []
    tasks, generators, timers = pending_tasks(loop), loop.open_generators(), list[str]()
    try:
        if tasks:
            loop.run_until_complete(_cancel_tasks(loop))
        timers = [timer_text(timer) for timer in loop.live_timers()]
        _run_last_callbacks(loop)
        if tasks or generators:
            loop.run_until_complete(_cancel_tasks(loop))
            loop.run_until_complete(loop.shutdown_asyncgens())
    except (Exception, SystemExit) as error:
        problems.append(error)
        for task in tasks_of(loop):
            # It has been named; that it is destroyed while pending is no further news.
            task._log_destroy_pending = False  # type: ignore[attr-defined]
    finally:
        loop.close()
    if report_leaks and (tasks or timers or generators):
        message = "main has ended and left alive:"
        problems.insert(0, LeakError(message, tasks, timers=timers, generators=generators))
    # Once, and only now: what was collected late is then reported in the run that lost it.
    gc.collect()
    if loop.unhandled:
        problems.insert(0, UnhandledError(loop.unhandled))
    return problems


async def _cancel_tasks(loop: VirtualLoop) -> None:
    """Cancels the tasks that are left, and waits for them."""
    tasks = tasks_of(loop)
    for task in tasks:
        task.cancel("main has ended")
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(end, Exception):
            message = "a task that main left behind raised when it was cancelled"
            loop.call_exception_handler({"message": message, "exception": end})


def _run_last_callbacks(loop: VirtualLoop) -> None:
    """Runs what is ready, such as the callbacks of tasks that ended in the same pass as main."""
    for _ in range(LAST_PASSES):
        if not loop.has_ready():
            return
        loop.stop()
        loop.run_forever()


def _raise_first(problems: Sequence[BaseException]) -> None:
    if problems:
        _note(problems[0], problems[1:])
        raise problems[0]


def _note(error: BaseException, others: Iterable[BaseException]) -> None:
    for other in others:
        error.add_note(f"also: {other}")
