"""What the command line says when it cannot go on: one line, and how it is worded.

Whatever is shown in such a line may come from outside: from a file, the environment, or an error
of the user's code. So it is escaped as the log lines are, in one place, when it is printed.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO, TypeGuard

import click

from ..errors import how_to_install
from ..runtime.exit_codes import USAGE
from ..texts import one_line

LONGEST_VALUE = 100
"""Characters of a value that an error shows."""


class Refusal(click.ClickException):
    """A command cannot go on, for a reason that takes one line to say.

    An error of the user's code that is behind it is its ``__cause__``.

    Args:
        message: Subject, value, and the way out.
        code: The exit code. Default 2.
    """

    def __init__(self, message: str, *, code: int = USAGE) -> None:
        super().__init__(message)
        self.code: int = code


def needs_package(what: str, extra: str) -> Refusal:
    """Returns the refusal of an option for which an extra is missing."""
    return Refusal(f"{what} needs a package; {how_to_install(extra)}")


def show(refusal: Refusal, *, debug: bool) -> None:
    """Prints a refusal, after the traceback of its cause if somebody debugs."""
    with suppress(OSError, ValueError, Refusal):  # nobody to tell
        if debug and refusal.__cause__ is not None:
            traceback.print_exception(refusal.__cause__)
        say(f"fluid: {one_line(refusal.message)}", sys.stderr)


def say(line: str, stream: TextIO | None = None) -> None:
    """Prints a line, with escapes for what the stream's encoding does not have.

    Raises:
        Refusal: If it cannot be written; that nobody reads it any more is left to click.
    """
    stream = sys.stdout if stream is None else stream
    if not is_open(stream):
        return
    encoding = encoding_of(stream)
    try:
        stream.write(f"{line.encode(encoding, 'backslashreplace').decode(encoding)}\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refusal(f"the output cannot be written: {error.strerror}", code=1) from error


def is_open(stream: TextIO | None) -> TypeGuard[TextIO]:
    """Returns whether there is such a stream: a process may be started without, or close it."""
    return stream is not None and not getattr(stream, "closed", False)


def encoding_of(stream: TextIO) -> str:
    """Returns the encoding of a stream, and ASCII where it has none."""
    return getattr(stream, "encoding", None) or "ascii"


def shown(value: object) -> str:
    """Returns a value as an error shows it: in one piece if it is short."""
    try:
        text = repr(value)
    except Exception:  # a number of more than 4300 digits; an object whose repr raises
        return f"a value of type {type(value).__name__} that cannot be shown"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Returns `` (did you mean 'deadline'?)`` if one of ``words`` is close to ``word``."""
    from difflib import get_close_matches

    close = get_close_matches(word[:LONGEST_VALUE], list(words), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
