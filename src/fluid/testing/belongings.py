"""What a process and a running loop have at a moment: what :mod:`fluid.testing.leaks` compares.

One function for each kind of thing, and nothing that judges: whether a thing is a leak is decided
over there. Where a platform or a loop cannot tell, there is nothing to list.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

from .pending import callback_name

TYPES_TOLD = 5
"""Types of garbage that are told."""


class Seen:
    """Remembers things by identity, and does not keep them alive."""

    def __init__(self, things: Iterable[object]) -> None:
        # Not a WeakSet: timers compare equal when their callbacks do.
        self._references = {id(thing): weakref.ref(thing) for thing in things}

    def __contains__(self, thing: object) -> bool:
        reference = self._references.get(id(thing))
        return reference is not None and reference() is thing


def timers_of(loop: asyncio.AbstractEventLoop) -> list[asyncio.TimerHandle]:
    """Returns the timers that are neither due nor cancelled; none where a loop does not tell."""
    live_timers = getattr(loop, "live_timers", None)
    timers: Iterable[asyncio.TimerHandle] = (
        getattr(loop, "_scheduled", ()) if live_timers is None else live_timers()
    )
    return sorted((timer for timer in timers if not timer.cancelled()), key=lambda t: t.when())


def timer_text(timer: asyncio.TimerHandle) -> str:
    """Returns what a timer calls, and when."""
    return f"{callback_name(timer)}, due at {timer.when()} seconds"


def wakes(timer: asyncio.TimerHandle, tasks: Collection[asyncio.Task[Any]]) -> bool:
    """Returns whether a timer resolves what one of ``tasks`` awaits: then it is that task's."""
    awaited = {id(getattr(task, "_fut_waiter", None)) for task in tasks} - {id(None)}
    return any(id(argument) in awaited for argument in getattr(timer, "_args", None) or ())


def generators_of(loop: asyncio.AbstractEventLoop) -> list[AsyncGeneratorType[Any, Any]]:
    """Returns the async generators that were begun and neither ended nor closed."""
    known = (*getattr(loop, "_asyncgens", ()), *getattr(loop, "_dropped_generators", ()))
    return [agen for agen in known if _line_of(agen) is not None]


def generator_text(agen: AsyncGeneratorType[Any, Any]) -> str:
    """Returns where an async generator stands."""
    code = agen.ag_code
    return f"async generator {code.co_qualname} is open at {code.co_filename}:{_line_of(agen)}"


def _line_of(agen: AsyncGeneratorType[Any, Any]) -> int | None:
    # Only a generator that has ended has no frame; its type does not say so.
    return getattr(agen.ag_frame, "f_lineno", None)


def threads_beside(loop: asyncio.AbstractEventLoop | None) -> list[threading.Thread]:
    """Returns the threads that live; those of the loop's own executor end with the loop."""
    executor = getattr(loop, "_default_executor", None)
    own: Collection[threading.Thread] = getattr(executor, "_threads", ())
    return [
        thread
        for thread in threading.enumerate()
        # A dummy stands for a thread that Python has not started, and whose end it cannot see.
        if thread not in own and not isinstance(thread, threading._DummyThread)
    ]


def descriptors() -> dict[int, str]:
    """Returns the open file descriptors, with what they lead to where the system says it."""
    for folder in (Path("/proc/self/fd"), Path("/dev/fd")):
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        found = {int(entry.name): _target(entry) for entry in entries if entry.name.isdigit()}
        return {number: target for number, target in found.items() if target is not None}
    return {}


def _target(entry: Path) -> str | None:
    try:
        os.fstat(int(entry.name))  # what the listing itself had opened is closed by now
    except OSError:
        return None
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def processes() -> dict[int, str]:
    """Returns the child processes, with their names, also those that ended and were not waited for.

    Linux knows them all; elsewhere they are those of ``multiprocessing``.
    """
    found: dict[int, str] = {}
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            found |= {int(pid): _command(pid) for pid in path.read_text().split()}
        except OSError:  # the thread has ended meanwhile
            continue
    if "multiprocessing" in sys.modules:
        children = sys.modules["multiprocessing"].active_children()
        found |= {child.pid: child.name for child in children}
    return found


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "unknown"


def garbage() -> list[str]:
    """Frees what only the garbage collector can free; returns counts of types, the most first.

    ``gc.garbage`` and the collector's flags are left as they were found.
    """
    flags, known = gc.get_debug(), len(gc.garbage)
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        # Names only: an object, a frame or a class that were held here could not be freed below.
        counts = Counter(_type_name(type(thing)) for thing in islice(gc.garbage, known, None))
    finally:
        gc.set_debug(0)
        del gc.garbage[known:]
        gc.collect()
        gc.set_debug(flags)
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count} {name}" for name, count in most_first[:TYPES_TOLD]]
    return told + ([f"{len(counts) - TYPES_TOLD} more types"] if len(counts) > TYPES_TOLD else [])


def _type_name(kind: type) -> str:
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"
