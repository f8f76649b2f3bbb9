"""Names of things in modules: read from text, looked up, and suggested where they are wrong.

Nothing is evaluated: attributes are looked up one after the other.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..record import Record
from ..texts import error_text, listed
from ..worker import Worker
from .refusal import Refusal, did_you_mean, shown

MOST_WORKERS = 5
"""Workers of a module that an error names."""


class Name(Record):
    """A name of something in a module."""

    text: str
    """All of it, as it was given."""
    module: str
    attribute: str

    @classmethod
    def parse(cls, text: str, *, of: str = "target") -> Name:
        """Returns a name from its text.

        Raises:
            Refusal: If it is anything but dotted identifiers around one colon.
        """
        module, colon, attribute = text.partition(":")
        if module.endswith(".py"):
            raise Refusal(
                f"{of} {shown(text)} names a file; it has to be a module, as in "
                f"{module.rpartition('/')[2].removesuffix('.py')}:{attribute or 'NAME'}"
            )
        if _is_dotted(module) and _is_dotted(attribute):
            return cls(text, module, attribute)
        if not colon and _is_dotted(module):
            raise Refusal(
                f"{of} {text!r} says which module, but not what is in it; write {text}:NAME, with "
                f"the name of a worker, its class, or a function that makes it"
            )
        raise Refusal(
            f"{of} {shown(text)} is not of the form package.module:attribute; it may have "
            f"identifiers and dots around one colon, and is not evaluated"
        )


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def look_up(module: types.ModuleType, name: Name) -> Any:
    """Returns what a name stands for.

    Raises:
        Refusal: If there is no such thing; it says what there is.
    """
    found: Any = module
    for part in name.attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            where = _of_where(module, name.module) if found is module else shown(found)
            near = did_you_mean(part, (word for word in dir(found) if not word.startswith("_")))
            raise Refusal(
                f"{name.text}: {where} has no attribute {part!r}{near}{known_workers(module, name)}"
            ) from None
        except BaseException as error:
            raise Refusal(f"{name.text}: looking up {part!r} raised {error_text(error)}") from error
    return found


def _of_where(module: types.ModuleType, name: str) -> str:
    """Returns ``module 'queue'``, and its file if one here has the same name and is not it."""
    top = name.partition(".")[0]
    file = getattr(module, "__file__", None)
    is_hidden = Path(f"{top}.py").exists() or Path(top).is_dir()
    if file and is_hidden and not Path(file).is_relative_to(Path.cwd()):
        return f"module {name!r} (not the one here, but {file}, which was imported before)"
    return f"module {name!r}"


# --- what there is -------------------------------------------------------------------------------


def known_workers(module: types.ModuleType, name: Name) -> str:
    """Returns ``; workers in app: Cache, main`` for the end of an error, or nothing."""
    known = list(workers_in(module))
    if not known:
        return ""
    return f"; workers in {name.module}: {listed(known, MOST_WORKERS)}"


def workers_in(module: types.ModuleType) -> Iterator[str]:
    """Yields the names in a module that ``fluid run`` could run."""
    for name, value in list(getattr(module, "__dict__", {}).items()):  # it may be any object
        if not name.startswith("_") and _makes_worker(value, module):
            yield name


def _makes_worker(value: object, module: types.ModuleType) -> bool:
    if isinstance(value, types.FunctionType):
        promised = value.__annotations__.get("return")
        if isinstance(promised, str):  # from __future__ import annotations; not evaluated
            promised = getattr(module, promised, None)
        return _is_class_of_workers(promised)
    if isinstance(value, type):
        is_own = not value.__module__.startswith("fluid.")
        return is_own and _is_class_of_workers(value) and not inspect.isabstract(value)
    return isinstance(value, Worker)


def _is_class_of_workers(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Worker)
