"""``module:attribute``: from the words of a command line to what makes the worker.

Whatever can be known to be wrong is refused here, before anything of the user's is called.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..errors import FluidError
from ..worker import Worker
from ..worker.core import core_of
from ..worker.fresh import Make
from .imports import import_module
from .names import Name, known_workers, look_up, workers_in
from .refusal import Refusal, shown


def maker(text: str, arguments: Sequence[str]) -> Make:
    """Imports a target and returns what makes its worker.

    Args:
        text: ``package.module:attribute``.
        arguments: What a class or a function is to be called with.

    Raises:
        Refusal: If that cannot be, for whatever reason.
    """
    name = Name.parse(text)
    module = import_module(name.module, subject="module")
    found = look_up(module, name)
    match found:
        case Worker():
            return _of_instance(found, name, arguments)
        case type() if issubclass(found, Worker):
            return _of_class(found, name, arguments)
        case types.CoroutineType():
            raise _was_called(found, name, module)
        case types.ModuleType():
            example = next(workers_in(found), "NAME")
            raise Refusal(f"{text} is a module; name what is in it: {found.__name__}:{example}")
        case _ if isinstance(found, type) or not callable(found):
            raise Refusal(
                f"{text} is neither a worker, nor a class of workers, nor a function that makes "
                f"one: {shown(found)}{known_workers(module, name)}"
            )
        case _:
            return _of_function(found, name, arguments)


# --- the kinds of target -------------------------------------------------------------------------


def _of_instance(worker: Worker, name: Name, arguments: Sequence[str]) -> Make:
    if arguments:
        raise Refusal(
            f"{name.text} is a worker, made when {name.module!r} was imported, and takes no "
            f"arguments; name its class, or a function that makes it"
        )
    try:
        has_lived = core_of(worker).life is not None
    except FluidError as error:
        raise Refusal(f"{name.text} cannot run: {error}") from error
    if has_lived:
        state = worker.worker_state.value.replace("_", "-")
        raise Refusal(
            f"{name.text} cannot run: it is {state} already, because module {name.module!r} starts "
            f"it when it is imported; put that under  if __name__ == '__main__':"
        )
    return lambda: worker


def _of_class(kind: type[Worker], name: Name, arguments: Sequence[str]) -> Make:
    if inspect.isabstract(kind):
        missing = ", ".join(f"{method}()" for method in sorted(kind.__abstractmethods__))
        raise Refusal(
            f"{name.text} is an abstract class, and no worker can be made of it: it lacks {missing}"
        )
    _check_call(kind, name, arguments)
    return partial(kind, *arguments)


def _of_function(make: Callable[..., Any], name: Name, arguments: Sequence[str]) -> Make:
    if inspect.isgeneratorfunction(make) or inspect.isasyncgenfunction(make):
        raise Refusal(f"{name.text} is a generator; it has to return a worker, not to yield it")
    _check_call(make, name, arguments)
    return partial(make, *arguments)


def _check_call(make: Callable[..., Any], name: Name, arguments: Sequence[str]) -> None:
    """Refuses arguments that do not fit, before anything of the user's is called."""
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):  # written in C: the call will tell
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        takes = f"{name.attribute}{signature.replace(return_annotation=signature.empty)}"
        got = f"got {', '.join(map(shown, arguments))}" if arguments else "got none"
        raise Refusal(
            f"{name.text} cannot be called with what follows '--': {error}; it is {takes} and {got}"
        ) from None


def _was_called(
    coroutine: types.CoroutineType[Any, Any, Any], name: Name, module: types.ModuleType
) -> Refusal:
    coroutine.close()  # else Python would complain that nobody awaited it
    made_by = coroutine.__name__
    way_out = (
        f"name the function itself: {name.module}:{made_by}"
        if callable(getattr(module, made_by, None))
        else f"name the function itself, {made_by}, without the parentheses"
    )
    return Refusal(
        f"{name.text} is a coroutine that nobody has awaited, what {made_by}() returned; {way_out}"
    )
