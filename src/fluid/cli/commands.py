"""The commands of ``fluid``."""

from __future__ import annotations

import os
import sys
from itertools import takewhile
from typing import Any

import click

from ..settings import GRACE_PERIOD_VARIABLE
from ..texts import one_line
from .options import BY_NAME, OPTIONS, all_options
from .refusal import Refusal, say, show
from .sources import ARGUMENTS, folder_of, is_left_out, read_file, source_of, strange_variables

END_OF_OPTIONS = "--"
"""What follows is for the worker."""


class Commands(click.Group):
    """The commands, in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns their names."""
        return list(self.commands)


class Command(click.Command):
    """A command that takes a target and its arguments, and reads the file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps what follows ``--`` for the worker, and lets click see to the rest."""
        own = list(takewhile(lambda word: word != END_OF_OPTIONS, args))
        ctx.meta[ARGUMENTS] = args[len(own) + 1 :]
        asks_for_help = not set(own).isdisjoint(self.get_help_option_names(ctx))
        if not asks_for_help and not ctx.resilient_parsing:  # a bad file must not be in the way
            read_file(ctx)
        ctx.allow_extra_args = True
        try:
            strangers = super().parse_args(ctx, own)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click leaves it out where an option lacks its value
            raise
        if strangers:
            raise Refusal(
                f"unexpected argument {strangers[0]!r}; what is for the worker follows '--': "
                f"fluid {ctx.info_name} {ctx.params['target']} -- {' '.join(strangers)}"
            )
        return strangers

    def invoke(self, ctx: click.Context) -> Any:
        """Says what is wrong while it is known whether somebody debugs."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            show(refusal, debug=ctx.params["debug"])
            _end_in_time(ctx)
            return refusal.code

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the line, with what follows ``--``."""
        pieces = [*self.collect_usage_pieces(ctx), "[-- ARGS]"]
        formatter.write_usage(ctx.command_path, " ".join(pieces))


class HealthCommand(click.Command):
    """A command that reads the file as well, if nobody has said where else to look."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads it, and lets click see to the rest."""
        row = BY_NAME["health_file"]
        is_given = os.environ.get(row.variable) or any(word.startswith(row.flag) for word in args)
        asks_for_help = not set(args).isdisjoint(self.get_help_option_names(ctx))
        if not is_given and not asks_for_help and not ctx.resilient_parsing:
            read_file(ctx)
        return super().parse_args(ctx, args)


@click.group(
    cls=Commands,
    name="fluid",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Options can also be variables (FLUID_DEADLINE=10) or stand in pyproject.toml, under "
    "[tool.fluid] (deadline = 10); a flag goes before a variable, and that before the file.",
)
@click.version_option(
    getattr(sys.modules[__name__.partition(".")[0]], "__version__", ""),
    message="%(prog)s %(version)s",
)
def fluid() -> None:
    """Runs asyncio workers as a process."""


@fluid.command(cls=Command)
@all_options
@click.pass_context
def run(context: click.Context, /, **values: Any) -> int:
    """Runs a worker until it ends or a signal stops it.

    MODULE:ATTRIBUTE is a worker, a class of workers, or a function (sync or async) that returns
    one; ARGS is what the class or the function is called with.

    SIGTERM and SIGINT (Ctrl-C) ask it to stop; a second one takes away its grace, a third one ends
    the process on the spot. SIGHUP restarts the worker, SIGUSR1 shows where everything is.

    Exit codes: 0 all went well, 1 a worker failed or something was left undone, 2 usage or import,
    3 the start failed, 4 the deadline was over, 128 + n a signal n had to be repeated.
    """
    from .child import is_child
    from .running import run_here, run_reloading

    is_first = not is_child()  # what is done once is not done by the child of a reloader as well
    if values["init"] and is_first:
        from .init import stand_in_front

        stand_in_front()
    prepare(context)
    return run_reloading(context) if values["reload"] and is_first else run_here(context)


@fluid.command(cls=Command)
@all_options
@click.pass_context
def check(context: click.Context, /, **_values: Any) -> int:
    """Makes a worker as "run" would, and shows its tree instead.

    It takes the same options. Next to each worker stands how long its stop may take. It exits with
    1 if the stop may take longer than a deadline that was set, and with 2 or 3 where "run" would.
    """
    from .checking import check_here

    prepare(context)
    code = check_here(context)
    _end_in_time(context)
    return code


@fluid.command(cls=Command)
@all_options
@click.pass_context
def config(context: click.Context, /, **_values: Any) -> int:
    """Shows the value of each option, and where it comes from.

    It takes the same options as "run".
    """
    rows = [
        (row.key, _in_words(context.params[row.name]), source_of(context, row)) for row in OPTIONS
    ]
    name_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, source in rows:
        say(one_line(f"{name:{name_width}}  {value:{value_width}}  {source}"))
    if strangers := strange_variables():
        say(one_line(f"variables that are not used: {', '.join(strangers)}"))
    return 0


@fluid.command(cls=HealthCommand)
@click.argument("question", type=click.Choice(["live", "ready"]), default="live")
@BY_NAME["health_file"].decorate
def health(question: str, health_file: str | None) -> int:
    """Tells how a running process is, from the file that it keeps.

    For probes: the exit code is 0 if the process is live (it makes sense to let it go on), or ready
    (it makes sense to send it work), else 1; the line that is printed says why. The process has to
    be started with the same --health-file. It answers on the machine that it is called on, with
    neither HTTP nor a shell.
    """
    from ..health.judging import Question
    from .health import say_how

    if not health_file:
        raise Refusal(
            "it is not known where the health file is; write  fluid health --health-file PATH, set "
            "FLUID_HEALTH_FILE, or put  health-file = 'PATH'  under [tool.fluid], as for fluid run"
        )
    return say_how(Question(question), health_file)


def _end_in_time(context: click.Context) -> None:
    from .ending import end_in_time

    end_in_time(one_line(context.params["target"] or "fluid"), context.params["deadline"])


def _in_words(value: object) -> str:
    match value:
        case None:
            return "none"
        case True | False:
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value) or "the current directory"
        case float():
            return f"{value:g} seconds"
        case _:
            return str(value)


def prepare(context: click.Context) -> None:
    """Makes the environment what the target and the constructors of workers are to see."""
    if folder := folder_of(context, BY_NAME["target"]):  # we may be in a folder below that
        sys.path.insert(0, str(folder))
    row = BY_NAME["stopping_grace_period"]
    if is_left_out(context, row):
        os.environ.pop(GRACE_PERIOD_VARIABLE, None)  # it may be there and empty
    else:
        os.environ[GRACE_PERIOD_VARIABLE] = str(context.params[row.name])
