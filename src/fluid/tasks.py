"""The only place where fluid creates and cancels asyncio tasks.

Three rules hold here and a lint keeps other modules from going around them. A task is strongly
referenced until it ends, because the loop itself only holds it weakly. Its end is observed, so that
no exception waits for the garbage collector to be printed. And nobody awaits a task directly: an
awaiter that is cancelled would take the task with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from types import CodeType, FrameType, coroutine
from typing import Any, TypeAlias, TypeVar, cast

from .errors import as_one

T = TypeVar("T")

OnEnd: TypeAlias = Callable[[asyncio.Task[Any]], None]

_owned: dict[asyncio.Task[Any], OnEnd | None] = {}
"""Every task of fluid's that has not ended, in every loop, and who wants to know when it has."""


def spawn(
    work: Coroutine[Any, Any, Any],
    *,
    loop: asyncio.AbstractEventLoop,
    name: str,
    on_end: OnEnd | None = None,
) -> asyncio.Task[Any]:
    """Starts ``work`` as a task that is kept alive and whose end is observed.

    With an eager task factory the work may run, end or fail before this returns.

    Args:
        work: The coroutine to run.
        loop: The running loop.
        name: The name of the task.
        on_end: Called once with the task, in a later step of the loop, when it has ended.
    """
    task = loop.create_task(work, name=name)
    _owned[task] = on_end
    task.add_done_callback(_observe)
    return task


def cancel(task: asyncio.Task[Any], message: str) -> None:
    """Cancels ``task`` once; ``message`` is for whoever reads the traceback."""
    task.cancel(message)


def cancel_again(message: str) -> None:
    """Lets a cancel that the running task has caught come once more, at its next wait.

    It counts once, as before: whoever has cancelled takes back no more than that.
    """
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
    task.cancel(message)


def end_of(task: asyncio.Task[Any]) -> BaseException | None:
    """Returns what ended a task that is done: None, its exception, or its ``CancelledError``.

    The latter is the very one, with the message that ``cancel()`` was given.
    """
    try:
        return task.exception()
    except asyncio.CancelledError as cancelled:
        return cancelled.with_traceback(None)  # it leads to this frame, and so to the task


def _observe(task: asyncio.Task[Any]) -> None:
    on_end = _owned.pop(task)
    if not task.cancelled():
        task.exception()
    if on_end is not None:
        on_end(task)


@coroutine
def pause() -> Generator[None, None, None]:
    """Gives the loop one step and comes back in the next."""
    yield


async def ended(task: asyncio.Task[Any]) -> None:
    """Waits until ``task`` is done, without ever touching it."""
    if task.done():
        return
    done: asyncio.Future[None] = task.get_loop().create_future()

    def wake(_: object) -> None:
        if not done.done():
            done.set_result(None)

    task.add_done_callback(wake)
    try:
        await done
    finally:
        task.remove_done_callback(wake)


async def gather_settled(
    works: Sequence[Coroutine[Any, Any, Any]], *, name: str
) -> list[BaseException | None]:
    """Runs ``works`` concurrently and returns, when all have ended, what each of them raised.

    Nothing that a work raises leaves its task, ``SystemExit`` included: out of a task, that would
    end the loop and with it the other works.

    Cancellation: Every work is cancelled and waited for; then the ``CancelledError`` goes on, with
    what works have raised by then as its cause.
    """
    loop = asyncio.get_running_loop()
    errors: list[BaseException | None] = [None] * len(works)

    async def settle(index: int, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except BaseException as error:
            errors[index] = error

    running = [
        spawn(settle(index, work), loop=loop, name=f"{name} {index + 1}")
        for index, work in enumerate(works)
    ]
    interrupted: asyncio.CancelledError | None = None
    for task in running:
        while not task.done():
            try:
                await on_behalf_of(running, ended(task))
            except asyncio.CancelledError as error:
                interrupted = error
                for other in running:
                    cancel(other, "its caller was cancelled")
    for index, (task, work) in enumerate(zip(running, works, strict=True)):
        if task.cancelled():  # before its first step: the work never began
            work.close()
            errors[index] = end_of(task)
    if interrupted is None:
        return errors
    failures = [error for error in errors if error and type(error) is not asyncio.CancelledError]
    try:
        raise interrupted from (as_one(f"{name} failed", failures) if failures else None)
    finally:
        # An error that is raised from here refers to this frame: without this, the two would wait
        # for the garbage collector.
        errors.clear()
        failures.clear()
        del interrupted


async def on_behalf_of(
    others: Iterable[asyncio.Task[Any]],  # noqa: ARG001 - read from the frame, by await_stack()
    awaitable: Awaitable[T],
) -> T:
    """Awaits something while ``others`` do the work: :func:`await_stack` goes on with theirs."""
    return await awaitable


def await_stack(task: asyncio.Task[Any] | None) -> tuple[str, ...]:
    """Returns where ``task`` is waiting: ``file:line in function``, outermost first.

    ``Task.get_stack()`` stops at the outermost coroutine of a suspended task; this follows the
    chain of awaits down to the line that everything waits for. Where several tasks work for it, it
    follows the first that has not ended.
    """
    lines: list[str] = []
    current: Any = None if task is None else task.get_coro()
    while current is not None:
        frame, code = _where(current)
        if code is None:
            break
        line = frame.f_lineno if frame is not None else code.co_firstlineno
        lines.append(place(code, line))
        current = _awaited(current)
    return tuple(lines)


def place(code: CodeType, line: int) -> str:
    """Returns ``file:line in function``, as stacks have it everywhere."""
    return f"{code.co_filename}:{line} in {code.co_qualname}"


def _where(awaitable: Any) -> tuple[FrameType | None, CodeType | None]:
    for prefix in ("cr", "gi", "ag"):
        code = getattr(awaitable, f"{prefix}_code", None)
        if code is not None:
            return getattr(awaitable, f"{prefix}_frame", None), code
    return None, None


def _awaited(awaitable: Any) -> Awaitable[Any] | None:
    if getattr(awaitable, "cr_code", None) is on_behalf_of.__code__ and awaitable.cr_frame:
        for other in awaitable.cr_frame.f_locals["others"]:
            if not other.done():
                return cast("Awaitable[Any]", other.get_coro())
    for name in ("cr_await", "gi_yieldfrom", "ag_await"):
        inner: Awaitable[Any] | None = getattr(awaitable, name, None)
        if inner is not None:
            return inner
    return None
