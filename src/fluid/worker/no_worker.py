"""What is said to whoever gives something else where a worker has to be, and what to write instead.

Loaded only when that has happened.
"""

from __future__ import annotations

import inspect

from ..errors import FluidError, FluidValueError, WorkerStartError
from .base import Worker


def not_a_worker(thing: object) -> FluidError:
    """Returns the error for ``thing``, which has no core: no worker, or one that is half made."""
    if isinstance(thing, Worker):
        return WorkerStartError(
            f"{type(thing).__name__} is not a whole worker: its __init__ did not call "
            f"super().__init__(); add the line  super().__init__()"
        )
    words, instead = _words(thing), _instead_of(thing)
    return FluidValueError(f"this is not a worker: {words}{instead and f'; {instead}'}")


def _words(thing: object) -> str:
    name = getattr(thing, "__qualname__", "").rpartition("<locals>.")[2]
    if isinstance(thing, type):
        return f"class {name}"
    if inspect.iscoroutine(thing):
        return f"coroutine {name}"
    if inspect.isfunction(thing):
        return f"function {name}"
    return f"a {type(thing).__name__}" if isinstance(thing, list | tuple | set) else repr(thing)


def _instead_of(thing: object) -> str:
    """Returns what to write in place of ``thing``, as far as that can be guessed."""
    name = getattr(thing, "__name__", "")
    if isinstance(thing, type) and issubclass(thing, Worker):
        return f"make one:  {name}()"
    if inspect.iscoroutine(thing):
        thing.close()  # else Python would complain that nobody awaited it
        return "a worker makes its coroutines itself; give the worker"
    if inspect.iscoroutinefunction(thing):
        return f"one that calls it again and again is  WorkerFunction({name})"
    if inspect.isfunction(thing):
        return f"if it makes one, call it:  {name}()"
    if isinstance(thing, list | tuple | set):
        return "workers are given one by one:  *workers"
    return ""
