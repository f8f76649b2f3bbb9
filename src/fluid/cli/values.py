"""What the value of an option may be: the checks, for flags, variables and the file alike."""

from __future__ import annotations

import os
from math import inf, nan
from typing import Any, ClassVar

import click

from ..errors import FluidValueError
from ..runtime.address import Address
from .refusal import shown

LONGEST = 31_536_000.0
"""The most seconds that an option takes: a year. Timers of the system do not take any number."""

LEVELS: tuple[str, ...] = ("debug", "info", "warning", "error", "critical")
FORMATS: tuple[str, ...] = ("auto", "plain", "rich", "json")


class Seconds(click.ParamType[float]):
    """A number of seconds.

    Args:
        least: The smallest that is allowed.
        words: What is allowed, for the error.
        endless: Whether ``inf`` is.
    """

    name = "seconds"

    def __init__(self, least: float, words: str, *, endless: bool = False) -> None:
        self.least: float = least
        self.words: str = words
        self.endless: bool = endless

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Returns the number, or fails."""
        try:
            seconds = float(value)
        except (TypeError, ValueError, OverflowError):
            seconds = nan
        if self.least <= seconds <= LONGEST or (self.endless and seconds == inf):
            return seconds
        return self.fail(f"{shown(value)} is not a number of seconds, {self.words}", param, ctx)


class LoopName(click.ParamType[str]):
    """``asyncio``, ``uvloop``, or a factory; whether there is one is seen when it is needed."""

    name = "loop"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the name, or fails."""
        if value in ("asyncio", "uvloop") or ":" in value:
            return str(value)
        return self.fail(
            f"{shown(value)} is neither asyncio nor uvloop nor module:factory", param, ctx
        )


class FilePath(click.ParamType[str]):
    """The path of a file."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the path, or fails if it can be none."""
        if value and "\0" not in value:
            return str(value)
        return self.fail(f"{shown(value)} is not a path", param, ctx)


class Paths(FilePath):
    """Paths; a variable has several of them, separated as in ``PATH``."""

    envvar_list_splitter: ClassVar[str] = os.pathsep


class Listen(click.ParamType[Address]):
    """A port on the loopback interface, or a host and a port."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        """Returns the address, or fails."""
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(str(value))
        except FluidValueError as error:
            return self.fail(str(error), param, ctx)
