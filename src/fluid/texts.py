"""Text from elsewhere, made fit for a line: printable, in one piece, and not too long."""

from __future__ import annotations

from collections.abc import Sequence

from .rules.outcome import describe

LONGEST_LINE = 2000
"""Characters of a text that go into one log line."""

LONGEST_TEXT = 100_000
"""Characters of a text of many lines, such as a traceback, that go into one log record."""


def one_line(text: str) -> str:
    """Returns ``text`` with nothing in it that could forge a line, and not too long."""
    return printable(cut(text, LONGEST_LINE))


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """Returns ``text``, or its beginning if it is too long for a log."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def abridged(text: str, longest: int) -> str:
    """Returns ``text``, or its beginning if it is too long for where it goes, which is no log."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def printable(text: str) -> str:
    """Returns ``text`` with escapes for whatever is not printable."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def error_text(error: BaseException) -> str:
    """Returns ``ConnectionError: no route`` for an error: the first line of what it says."""
    text = describe(error).partition("\n")[0]
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def listed(names: Sequence[str], most: int) -> str:
    """Returns ``a, b and 3 more``: the first names, ``most`` at the most, and how many others."""
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others} more" if others > 0 else "")
