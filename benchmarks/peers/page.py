"""What the tools write into docs/comparison.md, and where: between two comments with a name.

What stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` belongs to a tool, all the
rest to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .environments import ROOT

PAGE = ROOT / "docs" / "comparison.md"
FOLDER = ROOT / "docs" / "comparison"
"""What the page is rendered from, and its pictures."""


def section(text: str, name: str) -> str:
    """Returns what stands in the section ``name`` of a page.

    Raises:
        ValueError: The page has no such section.
    """
    begin, end = bounds(text, name)
    return text[begin:end]


def replaced(text: str, name: str, body: str) -> str:
    """Returns a page with ``body`` in its section ``name``, between empty lines.

    Raises:
        ValueError: The page has no such section.
    """
    begin, end = bounds(text, name)
    return text[:begin] + f"\n\n{body.strip()}\n\n" + text[end:]


def bounds(text: str, name: str) -> tuple[int, int]:
    """Returns where a section begins and ends, its comments left out."""
    opening, closing = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if opening not in text or closing not in text:
        raise ValueError(f"the page has no section {name!r}: it is between {opening} and {closing}")
    return text.index(opening) + len(opening), text.index(closing)


def write(sections: Mapping[str, str], page: Path = PAGE) -> None:
    """Writes sections into a page."""
    text = page.read_text(encoding="utf-8")
    for name, body in sections.items():
        text = replaced(text, name, body)
    page.write_text(text, encoding="utf-8")
