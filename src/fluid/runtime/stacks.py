"""Where everything is: the workers, the tasks beside them, the threads.

For a look at a process that does not do what it should, from any thread, while the loop runs or
not.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextvars import Context
from types import FrameType
from typing import Any

from .. import tasks
from ..health import Stalls
from ..texts import one_line
from ..worker import Worker
from ..worker.core import Core
from ..worker.living import inside
from .family import from_above

MOST_ENTRIES = 1000
"""Workers, and tasks, that a dump has; it counts the others."""

OWN_THREADS = "fluid."
"""How the names of the threads begin that only look on."""

ASYNCIOS = "(_do_shutdown)"
"""What the name of the thread ends with in which asyncio waits for those of its executor."""

MOST_PLACES = 30
"""Lines of one stack that a dump has, the innermost ones."""


def dump(
    worker: Worker | None,
    loop: asyncio.AbstractEventLoop,
    loop_thread: int,
    stalls: Stalls,
    blocked_for: float = 0.0,
) -> str:
    """Returns the tree, the tasks and the threads of a process, as lines of text.

    Args:
        worker: The root, if there is one.
        loop: Its loop.
        loop_thread: The thread that runs it.
        stalls: Blocks of it that are over.
        blocked_for: Seconds for which one goes on.
    """
    now = f", and has been for {blocked_for:.1f} seconds now" if blocked_for else ""
    own = set() if worker is None else set(_tasks_of(worker))
    others = [task for task in asyncio.all_tasks(loop) if task not in own]
    lines = [
        f"process {os.getpid()}; its event loop was blocked {stalls}{now}",
        "workers:",
        *_first(_worker_entries(worker)),
        "other tasks:",
        *_first(_task_entry(task) for task in others),
        dump_threads(loop_thread),
    ]
    return "\n".join(lines)


def threads_left() -> tuple[str, ...]:
    """Returns one sentence for each thread that keeps the process from its end."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    names = [each.name for each in others if not each.daemon and ASYNCIOS not in each.name]
    return tuple(f"thread {one_line(name)} still ran" for name in names)


def dump_threads(loop_thread: int = 0) -> str:
    """Returns where the threads are, as lines of text."""
    return "\n".join(("threads:", *_first(_thread_entries(loop_thread))))


def _first(entries: Iterable[list[str]]) -> Iterator[str]:
    count = 0
    for entry in entries:
        count += 1
        if count <= MOST_ENTRIES:
            yield from entry
    if not count:
        yield "  none"
    if count > MOST_ENTRIES:
        yield f"  and {count - MOST_ENTRIES} more"


def _entry(head: str, stack: tuple[str, ...]) -> list[str]:
    left_out = [f"      ... {len(stack) - MOST_PLACES} more"] if len(stack) > MOST_PLACES else []
    places = [f"      {one_line(place)}" for place in stack[-MOST_PLACES:]]
    return [f"  {one_line(head)}", *left_out, *places]


# --- workers and tasks ---------------------------------------------------------------------------


def _tasks_of(worker: Worker) -> Iterator[asyncio.Task[Any]]:
    for each in from_above(worker):
        life = each._worker.life
        if life is not None and life.task is not None:
            yield life.task


def _worker_entries(worker: Worker | None) -> Iterator[list[str]]:
    for each in () if worker is None else from_above(worker):
        core, life = each._worker, each._worker.life
        head = f"{core.path} ({type(each).__name__}): {core.state.value.replace('_', '-')}"
        if life is None or life.outcome is not None:
            yield _entry(head, ())
            continue
        head += f", {life.phase.value}, {life.loop.time() - life.began:.1f} seconds"
        yield _entry(head, tasks.await_stack(life.task))


def _task_entry(task: asyncio.Task[Any]) -> list[str]:
    core = core_of_task(task)
    where = "" if core is None else f", inside worker {core.path}"
    return _entry(f"{task.get_name()}{where}", tasks.await_stack(task))


def core_of_task(task: asyncio.Task[Any]) -> Core | None:
    """Returns whose code ``task`` runs: the worker that it is the task of, or was made in."""
    context = _context_of(task)
    reference = None if context is None else context.get(inside)
    return None if reference is None else reference()


def _context_of(task: asyncio.Task[Any]) -> Context | None:
    get_context = getattr(task, "get_context", None)  # new in 3.12
    if get_context is not None:
        context: Context = get_context()
        return context
    return next((each for each in gc.get_referents(task) if isinstance(each, Context)), None)


# --- threads -------------------------------------------------------------------------------------


def thread_stack(ident: int) -> tuple[str, ...]:
    """Returns where a thread is, outermost first: ``file:line in function``."""
    places: list[str] = []
    frame: FrameType | None = sys._current_frames().get(ident)
    while frame is not None:
        places.append(tasks.place(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(reversed(places))


def stack_of(error: BaseException) -> tuple[str, ...]:
    """Returns where an error was raised, outermost first: ``file:line in function``."""
    frames = traceback.walk_tb(error.__traceback__)
    return tuple(tasks.place(frame.f_code, line) for frame, line in frames)


def _thread_entries(loop_thread: int) -> Iterator[list[str]]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident in sys._current_frames():
        name = names.get(ident, f"thread {ident}")
        if name.startswith(OWN_THREADS):
            continue
        note = ", which runs the event loop" if ident == loop_thread else ""
        yield _entry(f"{name}{note}", thread_stack(ident))
