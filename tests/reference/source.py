"""What the source says beside its code: remarks below attributes, annotations, errors raised."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeAlias

OURS = ("fluid", "tests")
"""Whose source is read: that of fluid, and the specimen."""

LESSONS = {"core_of"}
"""Functions that refuse what is no whole worker, as any call may."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Source:
    """What a module says; names are qualified, as in ``Worker.run``."""

    functions: dict[str, Function] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    """The string below each public attribute, or ""."""
    annotations: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, list[str]] = field(default_factory=dict)
    """The public attributes of each class, those too that only ``__init__`` makes."""


@functools.cache
def source(module: str) -> Source:
    """Returns what a module says."""
    found = Source()
    _read(ast.parse(inspect.getsource(sys.modules[module])), "", found)
    return found


def _read(node: ast.AST, prefix: str, found: Source) -> None:
    body: list[ast.stmt] = getattr(node, "body", [])
    for statement, after in zip_longest(body, body[1:]):
        match statement:
            case ast.ClassDef(name=name):
                found.attributes[f"{prefix}{name}"] = []
                _read(statement, f"{prefix}{name}.", found)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.functions[f"{prefix}{name}"] = statement
                if name == "__init__":
                    _read(statement, prefix, found)
            case ast.Assign() | ast.AnnAssign():
                in_function = isinstance(node, ast.FunctionDef)
                for name in _bound(statement, in_function=in_function):
                    _note(found, prefix, name, statement, after)


def _bound(statement: ast.Assign | ast.AnnAssign, *, in_function: bool) -> Iterator[str]:
    """Yields the public names that are bound, in a function only those of ``self``."""
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
    for target in targets:
        match target:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if in_function:
                pass
            case ast.Name(id=name) if not in_function:
                pass
            case _:
                continue
        if not name.startswith("_"):
            yield name


def _note(
    found: Source, prefix: str, name: str, statement: ast.stmt, after: ast.stmt | None
) -> None:
    full = f"{prefix}{name}"
    match after:
        case ast.Expr(value=ast.Constant(value=str(text))):
            found.remarks[full] = inspect.cleandoc(text)
        case _:
            found.remarks.setdefault(full, "")
    if isinstance(statement, ast.AnnAssign):
        found.annotations[full] = ast.unparse(statement.annotation)
    if prefix:
        found.attributes[prefix[:-1]].append(name)


# --- errors --------------------------------------------------------------------------------------


@functools.cache
def raised_by(function: Any) -> frozenset[type[BaseException]]:
    """Returns the errors that a function raises by itself, or by a plain function that it calls."""
    return frozenset(_raised_by(function, set()))


def _raised_by(function: Any, seen: set[Any]) -> Iterator[type[BaseException]]:
    written = source(function.__module__).functions.get(function.__qualname__)
    if written is None or function in seen or function.__name__ in LESSONS:
        return
    seen.add(function)
    names = vars(builtins) | function.__globals__
    for node in _inside(written):
        match node:
            case ast.Raise(exc=ast.Call(func=what)) | ast.Raise(exc=ast.Name() as what):
                yield from _errors_of(_resolve(what, names), names)
            case ast.Call(func=called):
                thing = _resolve(called, names)
                if inspect.isfunction(thing) and thing.__module__.startswith(OURS):
                    yield from _raised_by(thing, seen)


def _inside(function: Function) -> Iterator[ast.AST]:
    """Yields what belongs to a function, and not to one that is defined in it."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _resolve(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return getattr(names.get(name), attribute, None) if name in names else None
    return None


def _errors_of(thing: Any, names: dict[str, Any]) -> Iterator[type[BaseException]]:
    if inspect.isfunction(thing):  # that makes an error
        thing = {**thing.__globals__, **names}.get(str(thing.__annotations__.get("return")))
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        yield thing
