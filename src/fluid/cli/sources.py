"""Where the value of an option comes from: the flag, a variable, ``[tool.fluid]``, or the default.

The order is click's; this reads the file for it, and says afterwards which one it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .options import BY_NAME, Row
from .refusal import Refusal, did_you_mean, shown
from .values import FilePath

PREFIX = "FLUID_"
"""Begins every variable of fluid's, and those that Kubernetes sets for a Service called fluid."""

_FILE = "fluid.file"
"""Under this name a context of click's keeps the path of the file that was read."""

ARGUMENTS = "fluid.arguments"
"""Under this one, what follows ``--``."""

_TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
}
"""What a value of TOML is called; all others are dates and times."""


def read_file(context: click.Context) -> None:
    """Gives a command the values of the nearest ``pyproject.toml``.

    That is the one in the current directory, else in the nearest parent that has one, whether it
    says anything about fluid or not.

    Raises:
        Refusal: If the file cannot be read, or its ``[tool.fluid]`` is not right.
    """
    path = _nearest()
    if path is not None:
        context.default_map = checked(_table_of(path), path)
        context.meta[_FILE] = path


def source_of(context: click.Context, row: Row) -> str:
    """Returns where the value of an option comes from, in words."""
    match context.get_parameter_source(row.name):
        case ParameterSource.COMMANDLINE:
            return "command line"
        case ParameterSource.ENVIRONMENT:
            return row.variable
        case ParameterSource.DEFAULT_MAP:
            return f"[tool.fluid] in {context.meta[_FILE]}"
        case _:
            return "default"


def place_of(context: click.Context | None, row: Row) -> str:
    """Returns where the value of an option stands, as an error names it."""
    source = None if context is None else context.get_parameter_source(row.name)
    if context is None or source in (None, ParameterSource.COMMANDLINE):
        return row.flag
    if source is ParameterSource.DEFAULT_MAP:
        return f"{row.key} in [tool.fluid] of {context.meta[_FILE]}"
    return row.variable


def folder_of(context: click.Context, row: Row) -> Path | None:
    """Returns the folder of the file that the value of an option stands in, if it does."""
    is_in_file = context.get_parameter_source(row.name) is ParameterSource.DEFAULT_MAP
    return Path(context.meta[_FILE]).parent if is_in_file else None


def is_left_out(context: click.Context, row: Row) -> bool:
    """Returns whether nobody has given an option."""
    return context.get_parameter_source(row.name) in (None, ParameterSource.DEFAULT)


def strange_variables() -> list[str]:
    """Returns the names of variables that look like fluid's and are not."""
    known = {row.variable for row in BY_NAME.values()}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


# --- the file ------------------------------------------------------------------------------------


def _nearest() -> Path | None:
    try:
        folder = Path.cwd()
    except OSError as error:
        raise Refusal(f"the current directory cannot be used: {error.strerror}") from error
    for candidate in (folder, *folder.parents):
        path = candidate / "pyproject.toml"
        if os.path.lexists(path):
            return path
    return None


def _table_of(path: Path) -> object:
    """Returns ``[tool.fluid]`` of a file, and an empty table where it has none."""
    import tomllib

    try:
        everything = tomllib.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise Refusal(f"{path} cannot be read: it is nested too deeply") from error
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, no UTF-8, a number that is too long
        raise Refusal(f"{path} cannot be read: {error}") from error
    tool = everything.get("tool", {})
    if not isinstance(tool, dict):
        raise Refusal(f"[tool] in {path} is not a table: {shown(tool)}")
    return tool.get("fluid", {})


def checked(table: object, path: Path) -> dict[str, Any]:
    """Returns the values of ``[tool.fluid]`` by the name of their option.

    Keys and types are checked here, and the values themselves where those of flags are. Paths are
    meant from where the file is.

    Raises:
        Refusal: For a key that is unknown or there twice, and for a value of another type.
    """
    if not isinstance(table, dict):
        raise Refusal(f"[tool.fluid] in {path} is not a table: {shown(table)}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        row = BY_NAME.get(key.replace("-", "_"))
        if row is None:
            known = (row.key for row in BY_NAME.values())
            raise Refusal(
                f"unknown key {shown(key)} in [tool.fluid] of {path}{did_you_mean(key, known)}"
            )
        if row.name in values:
            raise Refusal(
                f"{row.key} is twice in [tool.fluid] of {path}: with a dash and with an underscore"
            )
        values[row.name] = _checked_value(row, value, path)
    return values


def _checked_value(row: Row, value: object, path: Path) -> object:
    texts: list[Any] = value if isinstance(value, list) else [value]
    is_right = type(value) in row.kinds  # not isinstance: True is no number here
    if not is_right or (row.is_list and not all(isinstance(text, str) for text in texts)):
        kind = _TYPES.get(type(value), "a date or a time")
        is_of = "" if isinstance(value, list | dict) else f", {kind}"
        raise Refusal(
            f"{row.key} in [tool.fluid] of {path} is {shown(value)}{is_of}; "
            f"it has to be {row.words}"
        )
    if not isinstance(row.type, FilePath):
        return value
    paths = [str(path.parent / text) for text in texts]
    return paths if row.is_list else paths[0]
