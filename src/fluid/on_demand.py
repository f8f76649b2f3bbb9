"""Names that are loaded when somebody asks for them, so that a program pays for what it uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping


def on_demand(module: str, sources: Mapping[str, str]) -> Callable[[str], object]:
    """Returns a ``__getattr__`` for a module.

    Args:
        module: The name of the module.
        sources: In which other module each of its names is to be found.
    """

    def find(name: str) -> object:
        if name not in sources:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from importlib import import_module

        found: object = getattr(import_module(sources[name]), name)
        setattr(sys.modules[module], name, found)
        return found

    return find
