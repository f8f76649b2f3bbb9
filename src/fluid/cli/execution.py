"""A command line is executed: from arguments to an exit code, and from exceptions to one line."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence

import click

from ..runtime.exit_codes import SIGNALLED, UNFINISHED, USAGE
from ..texts import error_text
from .commands import fluid
from .options import BY_NAME
from .refusal import Refusal, show
from .sources import place_of

EXHAUSTED = {
    *(errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
}
"""What the system has no more of, or cannot write to. Any other error is a defect of fluid's."""


def execute(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code; says in one line what is wrong with it."""
    words = None if arguments is None else list(arguments)
    try:
        return int(fluid.main(words, prog_name="fluid", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.Abort:  # Ctrl-C, where somebody has put Python's own handler back
        return SIGNALLED + signal.SIGINT
    except OSError as error:
        if error.errno not in EXHAUSTED:
            raise
        show(Refusal(f"the system is in the way: {error_text(error)}"), debug=False)
        return UNFINISHED
    except click.ClickException as error:
        refusal = error if isinstance(error, Refusal) else Refusal(_worded(error))
        show(refusal, debug=False)
        return refusal.code


def _worded(error: click.ClickException) -> str:
    """Returns what click says, as fluid says it: where it stands and what is wrong."""
    if isinstance(error, click.BadParameter) and error.param is not None:
        row = BY_NAME.get(error.param.name or "")
        if row is not None:
            what, _, _ = error.message.removesuffix(".").partition(". Recognized values")
            return f"{place_of(error.ctx, row)}: {what}"
    if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand):
        close = error.possibilities
        text = error.message.removesuffix(".") + (f" (did you mean {close[0]!r}?)" if close else "")
        if isinstance(error, click.exceptions.NoSuchCommand) and ":" in error.command_name:
            text += f" (did you mean  fluid run {error.command_name} ?)"
    else:
        text = error.format_message().removesuffix(".")
    context = getattr(error, "ctx", None)
    command = "fluid" if context is None else context.command_path
    return f"{text[:1].lower()}{text[1:]}; see  {command} --help"
