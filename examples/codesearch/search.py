"""Turns what a user types into a query, and what the index answers into lines of source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .sql import MARK_BEGIN, MARK_END
from .store import Store

MARKED = re.compile(f"{MARK_BEGIN}(.*?){MARK_END}")
DEFINES = re.compile(r"\s*(?:async\s+def|class|def)\s")


class Hit(NamedTuple):
    """A line that answers a search."""

    path: str
    line: int
    """From 1."""
    text: str
    """Without the white space around it; each word that was found stands between two marks."""


def search_texts(store: Store, words: list[str], *, folder: str, limit: int) -> Iterator[Hit]:
    """Yields the best line of each file that has all ``words``, the best file first."""
    if query := expression(words):
        for path, marked in store.find_texts(query, words, folder=folder, limit=limit):
            yield Hit(path, *best_line(marked))


def search_symbols(store: Store, parts: list[str], *, folder: str, limit: int) -> Iterator[Hit]:
    """Yields the line of each definition whose name has all ``parts`` in it."""
    for path, line, text in store.find_symbols(parts, folder=folder, limit=limit):
        yield Hit(path, line, text.split("\n")[line - 1].strip())


def expression(words: list[str]) -> str:
    """Returns the FTS5 expression for texts with all ``words``; empty if there is nothing in them.

    In quotes nothing has a meaning of its own, be it ``*``, ``-`` or ``NEAR``. What FTS5 takes for
    two words, as in ``create_task``, has to stand together then, which is what is meant.
    """
    # A word without a letter or a digit is nothing to FTS5, and nothing is in no file.
    words = [word for word in words if any(char.isalnum() for char in word)]
    return " ".join('"{}"'.format(word.replace('"', '""')) for word in words)


def best_line(marked: str) -> tuple[int, str]:
    """Returns number and text of the line with the most different words that were found.

    Among equals, a definition comes before other lines, and the first before the next. A file that
    was found by its name alone is shown by its first line.
    """
    best = (0, False)
    number, text = 1, marked.partition("\n")[0]
    for index, line in enumerate(marked.split("\n"), start=1):
        if MARK_BEGIN in line:
            words = {word.lower() for word in MARKED.findall(line)}
            worth = (len(words), bool(DEFINES.match(unmarked(line))))
            if worth > best:
                best, number, text = worth, index, line
    return number, text.strip()


def unmarked(text: str) -> str:
    """Returns ``text`` without the marks."""
    return text.replace(MARK_BEGIN, "").replace(MARK_END, "")


def emphasized(text: str) -> str:
    """Returns ``text`` with what is marked in bold, as terminals understand it."""
    return text.replace(MARK_BEGIN, "\x1b[1m").replace(MARK_END, "\x1b[0m")
