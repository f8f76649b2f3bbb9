"""The index: one SQLite file. The statements are in ``sql.py``."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from . import sql
from .parse import Source
from .scan import SourceFile, Stamp


class UnusableIndexError(Exception):
    """The index cannot be used; the text says why, in one line."""


class Forget(NamedTuple):
    """A file that is to be in the index no longer."""

    path: str


class Keep(NamedTuple):
    """A file that is to be in the index as it is now."""

    file: SourceFile
    source: Source
    lines: int


Change = Keep | Forget


class Totals(NamedTuple):
    """What the whole index holds."""

    files: int
    lines: int
    symbols: int


class Store:
    """An open index. It belongs to the thread that has opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Opens the index at ``path``, or makes it.

        Raises:
            UnusableIndexError: If there is none and ``create`` is False, or it cannot be used.
        """
        if not create and not path.exists():
            raise UnusableIndexError(f"there is no index at {path}; the command `index` makes one")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as on_error:
                connection = sqlite3.connect(path, isolation_level=None)
                on_error.callback(connection.close)
                _prepare(connection)
                on_error.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise UnusableIndexError(f"the index {path} cannot be used: {error}") from error
        return cls(connection)

    def close(self) -> None:
        """Closes it; what was not committed is gone."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ---------------------------------------------------------------------------------

    def write(self, changes: Iterable[Change]) -> int:
        """Writes all ``changes``, or none of them, in one transaction.

        Returns:
            The number of files that are in the index no longer.
        """
        removed = 0
        with self._connection:
            self._connection.execute("begin immediate")
            for change in changes:
                if isinstance(change, Forget):
                    removed += self._forget(change.path)
                else:
                    self._keep(change)
        return removed

    def _forget(self, path: str) -> int:
        counts = [self._connection.execute(each, {"path": path}).rowcount for each in sql.FORGET]
        return counts[-1]

    def _keep(self, change: Keep) -> None:
        path, name, (size, changed_ns) = change.file
        text, symbols = change.source.text, change.source.symbols
        self._forget(path)
        row = (path, size, changed_ns, change.lines)
        file_id = self._connection.execute(sql.ADD_FILE, row).lastrowid
        self._connection.execute(sql.ADD_TEXT, (file_id, name, text))
        rows = ((file_id, name, last_part(name).lower(), line) for name, line in symbols)
        self._connection.executemany(sql.ADD_SYMBOL, rows)

    # --- reading ---------------------------------------------------------------------------------

    def known(self, paths: Iterable[str]) -> dict[str, Stamp]:
        """Returns the stamp of each file in the index that is at or below one of ``paths``."""
        return {
            found: (size, changed_ns)
            for path in paths
            for found, size, changed_ns in self._rows(sql.KNOWN, **_below(path))
        }

    def totals(self) -> Totals:
        """Returns what the whole index holds."""
        return Totals(*next(self._rows(sql.TOTALS)))

    def find_texts(
        self, query: str, words: list[str], *, folder: str, limit: int
    ) -> Iterator[tuple[str, str]]:
        """Yields the path and the marked text of each file that answers ``query``, best first.

        Args:
            query: An expression of FTS5.
            words: Names; a file that defines them is better than one that mentions them.
            folder: Only files below this one; empty for all.
            limit: How many.
        """
        values = {"query": query, "words": _json(words), "limit": limit}
        return self._rows(sql.FIND_TEXTS, **values, **_below(folder))

    def find_symbols(
        self, words: list[str], *, folder: str, limit: int
    ) -> Iterator[tuple[str, int, str]]:
        """Yields path, line and text of the file for each symbol whose name has all ``words``.

        Letters match whether they are small or capital.
        """
        values = {"words": _json(words), "whole": ".".join(words).lower(), "limit": limit}
        return self._rows(sql.FIND_SYMBOLS, **values, **_below(folder))

    def _rows(self, statement: str, **values: object) -> Iterator[Any]:
        return self._connection.execute(statement, values)


def last_part(name: str) -> str:
    """Returns the name of a symbol without what it is inside of."""
    return name.rpartition(".")[2]


def _json(words: list[str]) -> str:
    return json.dumps([word.lower() for word in words])


def _below(folder: str) -> dict[str, str]:
    """Returns the values for ``sql.BELOW``: what comes before, and after, all paths in a folder."""
    below = folder.rstrip(os.sep) + os.sep
    return {"folder": folder, "below": below, "beyond": below[:-1] + chr(ord(os.sep) + 1)}


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables, unless they are there."""
    _probe(connection)
    with connection:
        connection.execute("begin immediate")  # or two that begin at once would both make tables
        (found,) = connection.execute("pragma application_id").fetchone()
        if found != sql.FORMAT:
            if connection.execute("select 1 from sqlite_master").fetchone():
                raise sqlite3.DatabaseError("it is a database of something else")
            for statement in sql.SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {sql.FORMAT}")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")  # with WAL, a crash cannot harm the file


def _probe(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("create virtual table temp.probe using fts5 (text)")
        connection.execute("drop table temp.probe")
    except sqlite3.OperationalError as error:
        raise UnusableIndexError(f"the SQLite of this Python has no FTS5 ({error})") from error
