"""Values of any kind as text that a log can hold: printable, not too long, and never an error."""

from __future__ import annotations

import json

from ..texts import LONGEST_TEXT, cut, printable

DELETE = "\x7f"
"""The one control character that ``json`` lets through."""

DEEPEST = 20
"""Lists in lists that go into a line of JSON; readers have limits of their own."""


def escaped(value: object) -> str:
    """Returns a value as text, with escapes for whatever is not printable."""
    return printable(value if isinstance(value, str) else readable(value))


def readable(value: object) -> str:
    """Returns a value as text, whatever its ``repr`` does."""
    try:
        return cut(value if isinstance(value, str) else repr(value))
    except Exception:
        return f"<a {type(value).__name__} that cannot be shown>"


def as_json(value: object) -> str:
    """Returns a value as JSON in ASCII; as the text of its ``repr`` if JSON has nothing like it.

    Half a surrogate pair, which is text to Python but not to many readers of JSON, becomes U+FFFD.
    """
    try:
        if is_deep(value):
            raise ValueError("too deep")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if len(text) > LONGEST_TEXT and not isinstance(value, str):
            raise ValueError("too long")
    except Exception:  # or NaN, bytes, a cycle, too many digits, an object of the user's
        text = json.dumps(readable(value), ensure_ascii=False)
    if text.isascii():
        return text.replace(DELETE, "\\u007f")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(char if " " <= char <= "~" else ascii_json(char) for char in text)


def is_deep(value: object, left: int = DEEPEST) -> bool:
    """Returns whether a value has too many values in values."""
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return not left or any(is_deep(each, left - 1) for each in inner)


def ascii_json(char: str) -> str:
    """Returns the escape for a character."""
    return "\\u007f" if char == DELETE else json.dumps(char)[1:-1]
