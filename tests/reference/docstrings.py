"""A docstring, taken apart: its text, and what its sections list."""

from __future__ import annotations

import functools
import inspect
import re
from dataclasses import dataclass
from itertools import zip_longest

HEAD = re.compile(
    r"^(Args|Attributes|Raises|Returns|Yields|Cancellation|Source|Example):", re.MULTILINE
)
ITEM = re.compile(r"^ {4}(?! )\*{0,2}([\w.]+):(?: (.*))?$")


@dataclass(frozen=True)
class Said:
    """What a docstring says."""

    text: str
    sections: dict[str, dict[str, str]]
    """What each section lists: ``sections["Args"]["timeout"]`` is the text on that argument."""

    @property
    def described(self) -> dict[str, str]:
        """The arguments and attributes that are listed."""
        return self.sections.get("Attributes", {}) | self.sections.get("Args", {})


@functools.cache
def said_of(docstring: str | None) -> Said:
    """Takes a docstring apart."""
    text = inspect.cleandoc(docstring or "")
    heads = list(HEAD.finditer(text))
    return Said(
        text,
        {
            head[1]: _items(text[head.end() : after.start() if after else None])
            for head, after in zip_longest(heads, heads[1:])
        },
    )


def _items(section: str) -> dict[str, str]:
    listed: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if (match := ITEM.match(line)) is not None:
            name = match[1]
            listed[name] = match[2] or ""
        elif name:
            listed[name] += f" {line.strip()}"
    return listed
