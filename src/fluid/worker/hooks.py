"""Telling a hook that a user wrote from the one that came with the class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

H = TypeVar("H", bound=Callable[..., Any])


def default(hook: H) -> H:
    """Marks a hook as fluid's own; an override is a new function and has no mark."""
    hook.is_default = True  # type: ignore[attr-defined]
    return hook


def is_default(hook: Callable[..., Any]) -> bool:
    """Returns whether ``hook``, as read from a worker, is fluid's own."""
    return getattr(hook, "is_default", False)
