"""``fluid run``: from options to a running process."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ..errors import FluidValueError
from ..runtime.front import Front
from ..runtime.running import operate
from ..runtime.settings import Settings
from .child import end_with_parent
from .logs import set_up
from .loops import factory_of
from .names import Name
from .options import BY_NAME
from .refusal import Refusal, needs_package
from .sources import ARGUMENTS, place_of
from .target import maker


def run_here(context: click.Context) -> int:
    """Runs the target in this process, and returns its exit code."""
    end_with_parent()
    values, target = context.params, target_of(context)
    check_options(context)
    settings = Settings(
        deadline=values["deadline"],
        stall_threshold=values["stall_threshold"],
        loop_factory=factory_of(values["loop"]),
        debug=values["debug"],
        drain_delay=values["drain_delay"],
        http=values["http"],
        health_file=values["health_file"],
    )
    make = maker(target, context.meta[ARGUMENTS])
    return operate(make, name=target, settings=settings, front=_front(values))


def check_options(context: click.Context) -> None:
    """Refuses what no process can be run with, whatever its target is.

    Raises:
        Refusal: If there is such a thing.
    """
    values = context.params
    try:
        Settings(values["deadline"], drain_delay=values["drain_delay"]).check_drain_delay()
    except FluidValueError as error:
        raise Refusal(f"{place_of(context, BY_NAME['drain_delay'])}: {error}") from error
    if values["http"] is not None and find_spec("uvicorn") is None:
        raise needs_package(place_of(context, BY_NAME["http"]), "http")


def run_reloading(context: click.Context) -> int:
    """Runs the target in a child process, again whenever its code has changed."""
    from .reload import RESERVE, reloader

    values, target = context.params, target_of(context)
    check_options(context)
    Name.parse(target)  # what cannot be right after any change is not worth waiting for one
    front = _front(values)
    paths = [Path(path) for path in values["reload_path"]] or [Path.cwd()]
    make = partial(reloader, own_command(), paths, values["deadline"])
    make()  # whatever is wrong with that is told now
    settings = Settings(deadline=values["deadline"] + RESERVE, debug=values["debug"])
    return operate(make, name="reload", settings=settings, front=front)


def target_of(context: click.Context) -> str:
    """Returns the target.

    Raises:
        Refusal: If nobody has given one.
    """
    target: str | None = context.params["target"]
    if target:
        return target
    raise Refusal(
        f"there is no target; write  fluid {context.info_name} package.module:attribute, set "
        f"FLUID_TARGET, or put  target = 'package.module:attribute'  under [tool.fluid]"
    )


def own_command() -> list[str]:
    """Returns the command line of this process, options of the interpreter included.

    A child gets the same one, and knows by its lifeline that it is the child.
    """
    return [sys.executable, *sys.orig_argv[1:]]


def _front(values: dict[str, Any]) -> Front:
    debug = values["debug"]
    level = "debug" if debug else values["log_level"]
    return set_up(level=level, format=values["log_format"], debug=debug)
