"""Telling a hook that a user wrote from the one that came with the class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

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
