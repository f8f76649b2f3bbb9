"""The options of ``fluid``, one row each: flags, variables, the file and ``fluid config`` read it.

A value comes from the flag, else the variable, else ``[tool.fluid]``, else the default; that order
is click's, and so are the flags.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..record import Record
from ..runtime.settings import DEADLINE, STALL_THRESHOLD
from ..settings import DEFAULT_GRACE_PERIOD
from .values import FORMATS, LEVELS, LONGEST, FilePath, Listen, LoopName, Paths, Seconds

C = TypeVar("C", bound=Callable[..., Any])


class Row(Record):
    """One option."""

    name: str
    """Its name in Python; with dashes, that of its flag and of its key in the file."""
    help: str
    """What it does, in one sentence."""
    kinds: tuple[type, ...]
    """What it is in TOML."""
    words: str
    """The same, in words."""
    type: click.ParamType[Any] | None = None
    """The check of its value; None for one that is on or off."""
    default: object = None
    """Its value if nobody gives one."""
    metavar: str | None = None
    """What stands for its value in the help."""
    is_argument: bool = False
    """Whether it is given by its place instead of by a flag."""
    is_list: bool = False
    """Whether it may be given several times."""

    @property
    def key(self) -> str:
        """Its name with dashes."""
        return self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        """What it is on the command line."""
        return "the target" if self.is_argument else f"--{self.key}"

    @property
    def variable(self) -> str:
        """Its variable of the environment."""
        return f"FLUID_{self.name.upper()}"

    def decorate(self, command: C) -> C:
        """Adds the option to a command."""
        if self.is_argument:
            return click.argument(
                self.name, required=False, envvar=self.variable, metavar=self.metavar
            )(command)
        flag = self.flag if self.type is not None else f"{self.flag}/--no-{self.key}"
        return click.option(
            flag,
            self.name,
            type=self.type,
            default=self.default,
            envvar=self.variable,
            help=self.help,
            metavar=self.metavar,
            multiple=self.is_list,
            show_default="the current directory" if self.is_list else True,
        )(command)


_NUMBER: dict[str, Any] = {"kinds": (int, float), "words": "a number", "metavar": "SECONDS"}
_TEXT: dict[str, Any] = {"kinds": (str,), "words": "a string"}
_SWITCH: dict[str, Any] = {"kinds": (bool,), "words": "true or false", "default": False}

OPTIONS: tuple[Row, ...] = (
    Row(
        name="target",
        help="The worker.",
        type=click.STRING,
        metavar="[MODULE:ATTRIBUTE]",
        is_argument=True,
        **_TEXT,
    ),
    Row(
        name="deadline",
        help="Seconds from the request to stop until the process is gone, whatever happens.",
        type=Seconds(0.001, f"more than 0 and at most {LONGEST:.0f}, or inf", endless=True),
        default=DEADLINE,
        **_NUMBER,
    ),
    Row(
        name="drain_delay",
        help="Seconds for which work goes on after the request to stop, while /readyz says no.",
        type=Seconds(0.0, f"from 0 to {LONGEST:.0f}"),
        default=0.0,
        **_NUMBER,
    ),
    Row(
        name="stopping_grace_period",
        help="Seconds that a worker has to stop before it is cancelled, if its code does not say.",
        type=Seconds(0.0, f"from 0 to {LONGEST:.0f}, or inf", endless=True),
        default=DEFAULT_GRACE_PERIOD,
        **_NUMBER,
    ),
    Row(
        name="stall_threshold",
        help="Seconds that the event loop may be blocked before that is reported; 0 for never.",
        type=Seconds(0.0, f"from 0 to {LONGEST:.0f}"),
        default=STALL_THRESHOLD,
        **_NUMBER,
    ),
    Row(
        name="http",
        help="Where probes and metrics are served: /livez, /readyz, /status, /metrics.",
        kinds=(int, str),
        words="a port or a string",
        type=Listen(),
        metavar="[HOST:]PORT",
    ),
    Row(
        name="health_file",
        help='A file that says how the process is, for "fluid health".',
        type=FilePath(),
        metavar="PATH",
        **_TEXT,
    ),
    Row(
        name="log_level",
        help="The least important log lines that are written.",
        type=click.Choice(LEVELS, case_sensitive=False),
        default="info",
        **_TEXT,
    ),
    Row(
        name="log_format",
        help="How they are written: auto is rich on a terminal if it is installed, else plain.",
        type=click.Choice(FORMATS, case_sensitive=False),
        default="auto",
        **_TEXT,
    ),
    Row(
        name="loop",
        help="The event loop: one of these, or a function that makes it.",
        type=LoopName(),
        default="asyncio",
        metavar="asyncio|uvloop|MODULE:FACTORY",
        **_TEXT,
    ),
    Row(
        name="reload",
        help="Starts anew when code changes; for development.",
        **_SWITCH,
    ),
    Row(
        name="reload_path",
        help="What to watch for changes; may be given several times.",
        kinds=(str, list),
        words="a string or a list of strings",
        type=Paths(),
        metavar="PATH",
        is_list=True,
    ),
    Row(
        name="init",
        help="Puts a process in front that hands signals on and sees to zombies; for containers.",
        **_SWITCH,
    ),
    Row(
        name="debug",
        help="asyncio's debug mode, all log lines, and the traceback of a failed import.",
        **_SWITCH,
    ),
)

BY_NAME: dict[str, Row] = {row.name: row for row in OPTIONS}


def all_options(command: C) -> C:
    """Adds every option to a command; the commands share them, so that one line fits all."""
    for row in reversed(OPTIONS):
        command = row.decorate(command)
    return command
