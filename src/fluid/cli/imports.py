"""Importing a module of the user's, and saying in one line what was wrong with it."""

from __future__ import annotations

import os
import sys
from importlib import import_module as import_by_name
from pathlib import Path
from pkgutil import iter_modules
from traceback import walk_tb
from types import ModuleType
from typing import TypeAlias

from ..places import is_of_library, is_own
from ..runtime.importing import importing
from ..texts import error_text
from .refusal import Refusal, did_you_mean

Place: TypeAlias = tuple[str, int | None]
"""A file and a line."""

GUARD = "put what is only for the program itself under  if __name__ == '__main__':"
"""The lesson for a module that does at import what it should do when it runs."""


def import_module(name: str, *, subject: str) -> ModuleType:
    """Imports a module, with the current directory first on the path.

    Args:
        name: Its dotted name.
        subject: What it is called in an error.

    Raises:
        Refusal: If there is no such module, or the import of it fails.
    """
    here = _here()
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
    try:
        with importing(name):
            return import_by_name(name)
    except ModuleNotFoundError as error:
        if _is_about(name, error):
            raise Refusal(_not_found(error.name or name, subject, name)) from None
        raise _failed(name, subject, error) from error
    except SystemExit as error:
        raise Refusal(
            f"{subject} {name!r} ends the process when it is imported ({error_text(error)}), "
            f"at {place_of(error)}; {GUARD}"
        ) from error
    except BaseException as error:
        raise _failed(name, subject, error) from error


def _is_about(name: str, error: ModuleNotFoundError) -> bool:
    """Returns whether it is the module itself that was not found, and not one that it imports."""
    is_on_the_way = error.name is not None and f"{name}.".startswith(f"{error.name}.")
    return is_on_the_way and not any(map(_is_users, _places(error)))


def _not_found(missing: str, subject: str, name: str) -> str:
    parent, _, last = missing.rpartition(".")
    place = f"{_here()} or elsewhere on the path" if not parent else f"package {parent!r}"
    paths = getattr(sys.modules.get(parent), "__path__", None) if parent else [_here()]
    if paths is None:
        return f"{subject} {name!r} was not found: {parent!r} is a module, not a package"
    siblings = [module.name for module in iter_modules(paths)]
    return f"{subject} {missing!r} was not found in {place}{did_you_mean(last, siblings)}"


def _failed(name: str, subject: str, error: BaseException) -> Refusal:
    where, text = place_of(error), error_text(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        where = _shown((error.filename, error.lineno))
        text = f"{type(error).__name__}: {error.msg}"
    return Refusal(f"{subject} {name!r} cannot be imported: {where}{where and ': '}{text}")


# --- places --------------------------------------------------------------------------------------


def place_of(error: BaseException) -> str:
    """Returns ``file:line`` of the innermost line that raised ``error``, of the user's own code.

    If there is none, of a library's; nothing if that is not so either.
    """
    places = [place for place in _places(error) if not _is_beside_the_point(place[0])]
    own = [place for place in places if _is_users(place)] or places
    return _shown(own[-1]) if own else ""


def raised(error: BaseException) -> str:
    """Returns ``raised OSError: no descriptors, at app.py:20``; the place only if it is known."""
    place = place_of(error)
    return f"raised {error_text(error)}{place and f', at {place}'}"


def _places(error: BaseException) -> list[Place]:
    return [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]


def _is_beside_the_point(file: str) -> bool:
    """Returns whether a file is only on the way of each import: fluid's, or the interpreter's."""
    return is_own(file) or file.startswith("<frozen")


def _is_users(place: Place) -> bool:
    """Returns whether a line is neither ours nor of a library."""
    file, _ = place
    return not is_own(file) and not is_of_library(file)


def _shown(place: Place) -> str:
    """Returns a place, from the current directory where it is below that."""
    file, line = place
    return file.removeprefix(_here() + os.sep) + (f":{line}" if line else "")


def _here() -> str:
    """Returns the current directory, and its short name where a module has left it nowhere."""
    try:
        return str(Path.cwd())
    except OSError:
        return os.curdir
