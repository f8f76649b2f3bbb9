"""Which event loop: asyncio's own, uvloop's, or one that the user's factory makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..runtime.settings import LoopFactory
from .imports import import_module, raised
from .names import Name, look_up
from .refusal import Refusal, shown


def factory_of(name: str) -> LoopFactory | None:
    """Returns what makes the event loop; None for asyncio's own.

    Raises:
        Refusal: If uvloop is not installed, or if there is no such factory. That what it makes is
            a loop is checked when it is called.
    """
    match name:
        case "asyncio":
            return None
        case "uvloop":
            return _uvloop()
        case _:
            return _of_user(name)


def _uvloop() -> LoopFactory:
    try:
        from uvloop import new_event_loop
    except ImportError as error:
        raise Refusal(
            'the loop uvloop is not installed: pip install "fluid-workers[uvloop]"'
        ) from error
    factory: LoopFactory = new_event_loop
    return factory


def _of_user(text: str) -> LoopFactory:
    name = Name.parse(text, of="loop")
    factory = look_up(import_module(name.module, subject="module"), name)
    if not callable(factory) or isinstance(factory, asyncio.AbstractEventLoop):
        raise Refusal(f"loop {text} is not a function that makes an event loop: {shown(factory)}")
    return lambda: _made_by(factory, text)


def _made_by(factory: Callable[[], object], text: str) -> asyncio.AbstractEventLoop:
    try:
        loop = factory()
    except Exception as error:
        raise Refusal(f"loop {text} {raised(error)}") from error
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise Refusal(f"loop {text} did not make an event loop, but {shown(loop)}")
    return loop
