"""What is public: the names of the doors, their members, and the text that there is on each."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.reference.docstrings import Said, said_of
from tests.reference.source import OURS, source

DOORS = (
    "fluid",
    "fluid.utils.worker",
    "fluid.utils.dispatcher",
    "fluid.utils.errors",
    "fluid.events",
    "fluid.health",
    "fluid.http",
    "fluid.metrics",
    "fluid.testing",
    "fluid.testing.pytest",
)
"""The modules to import from; what other modules have is fluid's own affair."""


@functools.cache
def public() -> dict[str, Any]:
    """Returns what the doors have, by the first name under which it can be imported."""
    found: dict[int, tuple[str, Any]] = {}
    for door in DOORS:
        module = importlib.import_module(door)
        for name in module.__all__:
            thing = getattr(module, name)
            found.setdefault(id(thing), (f"{door}.{name}", thing))
    return dict(found.values())


@dataclass(frozen=True)
class Part:
    """What the reference has a text on: a public name, or a member of it."""

    name: str
    thing: Any
    """The class or the function; None for an attribute."""
    annotation: str
    """The type of an attribute."""
    said: Said
    is_foreign: bool = False
    """Whether it overrides what a library promises already."""
    takes_nothing: bool = False

    @property
    def kind(self) -> str:
        """A class, a function, or something to read."""
        if inspect.isclass(self.thing):
            return "class"
        is_read = self.thing is None or isinstance(self.thing, property)
        return "attribute" if is_read else "function"

    @property
    def function(self) -> Any:
        """The plain function: it, what reads a property, or what makes an instance of a class."""
        plain = self.thing.fget if isinstance(self.thing, property) else self.thing
        if inspect.isclass(plain):
            plain = next((vars(base).get("__init__") for base in own_bases(plain)), None)
        plain = inspect.unwrap(plain) if plain is not None else None
        if not inspect.isfunction(plain) or not plain.__module__.startswith(OURS):
            return None
        is_written = plain.__qualname__ in source(plain.__module__).functions
        return plain if is_written else None  # a dataclass's is not

    @property
    def returns(self) -> str:
        """The type of what it returns, or is."""
        if self.thing is None or self.kind == "class":
            return self.annotation
        return str(getattr(self.function, "__annotations__", {}).get("return", "None"))

    def without_parameters(self) -> Part:
        """Returns it as it is shown where nobody makes one."""
        return replace(self, takes_nothing=True)

    def names_in_signature(self) -> set[str]:
        """Returns the names in the types of what it takes and returns."""
        types = [self.returns, *(str(each.annotation) for each in self.parameters)]
        return {name for each in types for name in re.findall(r"\w+", each)}

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What it takes, without what is private."""
        if self.function is None or isinstance(self.thing, property) or self.takes_nothing:
            return []
        found = inspect.signature(self.function).parameters.items()
        return [each for name, each in found if name not in ("self", "cls") and name[0] != "_"]


def parts_of(name: str, thing: Any) -> Iterator[Part]:
    """Yields a public name, and the public members of a class."""
    if not inspect.isclass(thing):
        is_function = inspect.isfunction(thing)
        text = thing.__doc__ if is_function else _remark_on(name)
        yield Part(name, thing if is_function else None, "", said_of(text))
        return
    yield Part(name, thing, "", said_of(thing.__doc__))
    for member in dict.fromkeys(
        member for base in reversed(own_bases(thing)) for member in own_members(base)
    ):
        yield member_of(name, thing, member)


def member_of(name: str, kind: type, member: str) -> Part:
    """Returns a member; where it says nothing, what a base says of it holds."""
    thing, text, annotation = None, "", ""
    for base in own_bases(kind):
        here = vars(base).get(member)
        if inspect.isroutine(here) or isinstance(here, property | staticmethod | classmethod):
            here = getattr(here, "__func__", here)
            thing, text = thing or here, text or here.__doc__ or ""
        else:
            written, full = source(base.__module__), f"{base.__qualname__}.{member}"
            text = text or written.remarks.get(full, "")
            if full in written.remarks:
                text = text or said_of(base.__doc__).described.get(member, "")
            annotation = annotation or written.annotations.get(full, "")
    foreign = set(kind.__mro__) - {*own_bases(kind), object}
    is_foreign = any(member in vars(base) for base in foreign)
    return Part(f"{name}.{member}", thing, annotation, said_of(text), is_foreign)


def own_members(kind: type) -> Iterator[str]:
    """Yields the public members that a class has beside those of its bases."""
    for name, value in vars(kind).items():
        if name[0] != "_" and not isinstance(value, types.MemberDescriptorType):
            yield name
    for name in source(kind.__module__).attributes.get(kind.__qualname__, ()):
        if name[0] != "_":
            yield name


def own_bases(kind: type) -> list[type]:
    """Returns the class and its bases, as far as they are fluid's."""
    return [
        base
        for base in kind.__mro__
        if base.__module__.startswith(OURS) and base.__module__ in sys.modules
    ]


def _remark_on(name: str) -> str:
    """Returns the remark on a constant, wherever it is defined behind its door."""
    door, _, last = name.rpartition(".")
    behind = [module for module in list(sys.modules) if module.startswith(door)]
    return next((text for module in behind if (text := source(module).remarks.get(last))), "")
