"""Telling a hook that a user wrote from the one that came with the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, TypeVar

from ..errors import FluidValueError

H = TypeVar("H", bound=Callable[..., Any])

_defaults: set[object] = set()
"""The functions themselves: a mark on them would be copied by ``functools.wraps``."""


def default(hook: H) -> H:
    """Notes that a hook is fluid's own; an override is a function that nobody has noted."""
    _defaults.add(hook)
    return hook


def is_default(hook: Callable[..., Any]) -> bool:
    """Returns whether ``hook``, as read from a worker, is fluid's own."""
    return getattr(hook, "__func__", None) in _defaults


def misspelt(namespace: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yields each public function whose name is a hook's but for capitals and underscores.

    ``on_start_up`` would never be called, and nobody would be told. With it comes the hook's name.
    """
    for name, value in namespace.items():
        hook = _HOOKS.get(_bare(name), name)
        if hook != name and not name.startswith("_") and isinstance(value, FunctionType):
            yield name, hook


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


_HOOKS: dict[str, str] = {
    _bare(hook): hook
    for hook in (
        "on_startup",
        "run",
        "on_shutdown",
        "after_shutdown",
        "on_undelivered",
        "on_dead_letter",
        "on_fire",
    )
}


LESSON = "has to be a function written with  async def"
"""What to tell whoever wrote a plain one."""


def was_plain(error: BaseException) -> bool:
    """Returns whether ``error`` comes from awaiting what a plain function has returned.

    To be asked where that was awaited, because only there the error has no further traceback.
    """
    is_ours = error.__traceback__ is not None and error.__traceback__.tb_next is None
    return is_ours and isinstance(error, TypeError) and "'await' expression" in str(error)


def explain(error: BaseException, what: str, handler: object = None) -> None:
    """Adds the lesson if ``error`` comes from a plain function; to be called as :func:`was_plain`.

    Args:
        error: What was raised.
        what: What was awaited, in words.
        handler: What it is, where words are not enough.
    """
    if was_plain(error):
        subject = what if handler is None else f"{what} {handler!r}"
        error.add_note(f"{subject} {LESSON}")


def was_taught(error: BaseException) -> bool:
    """Returns whether ``error`` carries that lesson: then the code is wrong, not what it got."""
    return any(LESSON in note for note in getattr(error, "__notes__", ()))


def checked_handler(handler: object, subject: str) -> None:
    """Refuses a handler that is not a function.

    Raises:
        FluidValueError: If it is not; it says what to write instead.
    """
    if inspect.iscoroutine(handler):
        handler.close()
        raise FluidValueError(
            f"{subject} is a coroutine; it has to be the function itself, without the "
            f"parentheses: {handler.__name__}"
        )
    if not callable(handler):
        raise FluidValueError(
            f"{subject} is not a function: {handler!r}; "
            f"give it one, or write a method of that name in a subclass"
        )
