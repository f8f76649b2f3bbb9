"""The index: one SQLite file. All of the SQL is here.

The text of a file is one row of an FTS5 table. A row for each line would make it easy to say in
which line a word is, but takes five times as long to write. Instead, ``search.py`` finds the line
in the texts of the few files that are shown.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from .parse import Source
from .scan import SourceFile, Stamp

MARK_BEGIN, MARK_END = "\ue000", "\ue001"
"""Put around each word that was found; for private use, so that no file ought to have them."""

FORMAT = 0x666C7831
"""Stands in the file's header; another number there is another format, or not an index at all."""

SCHEMA = """
create table files (
    id integer primary key,
    path text not null unique,
    size integer not null,
    changed_ns integer not null,
    lines integer not null
);
create table symbols (
    file integer not null,
    name text not null,
    short text not null,
    line integer not null
);
create index symbols_by_file on symbols (file, short);
create virtual table texts using fts5 (name, text);
"""

KNOWN = "select path, size, changed_ns from files"
TOTALS = """
select (select count(*) from files), (select coalesce(sum(lines), 0) from files),
       (select count(*) from symbols)
"""

FORGET = (
    "delete from texts where rowid = (select id from files where path = :path)",
    "delete from symbols where file = (select id from files where path = :path)",
    "delete from files where path = :path",
)
ADD_FILE = "insert into files (path, size, changed_ns, lines) values (?, ?, ?, ?)"
ADD_TEXT = "insert into texts (rowid, name, text) values (?, ?, ?)"
ADD_SYMBOL = "insert into symbols (file, name, short, line) values (?, ?, ?, ?)"

BELOW = "(:folder = '' or files.path = :folder or substr(files.path, 1, :length) = :below)"

# Files that define the most of the words come first; then, a word counts more in a file's name.
FIND_TEXTS = f"""
select files.path, highlight(texts, 1, '{MARK_BEGIN}', '{MARK_END}')
from texts join files on files.id = texts.rowid
where texts match :query and {BELOW}
order by (select count(distinct short) from symbols
          where file = texts.rowid and short in (select value from json_each(:words))) desc,
         bm25(texts, 10.0, 1.0), files.path
limit :limit
"""
# The whole name first, then one that ends with it; then the shortest.
FIND_SYMBOLS = f"""
select files.path, symbols.line, texts.text
from symbols join files on files.id = symbols.file join texts on texts.rowid = symbols.file
where not exists (select 1 from json_each(:words) where not instr(lower(symbols.name), value))
      and {BELOW}
order by lower(symbols.name) <> :whole, symbols.short <> :whole,
         length(symbols.name), files.path, symbols.line
limit :limit
"""


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
        counts = [self._connection.execute(each, {"path": path}).rowcount for each in FORGET]
        return counts[-1]

    def _keep(self, change: Keep) -> None:
        path, name, (size, changed_ns) = change.file
        text, symbols = change.source.text, change.source.symbols
        self._forget(path)
        row = (path, size, changed_ns, change.lines)
        file_id = self._connection.execute(ADD_FILE, row).lastrowid
        self._connection.execute(ADD_TEXT, (file_id, name, text))
        rows = ((file_id, name, last_part(name).lower(), line) for name, line in symbols)
        self._connection.executemany(ADD_SYMBOL, rows)

    # --- reading ---------------------------------------------------------------------------------

    def known(self) -> dict[str, Stamp]:
        """Returns the stamp of each file in the index, by its path."""
        return {path: (size, changed_ns) for path, size, changed_ns in self._rows(KNOWN)}

    def totals(self) -> Totals:
        """Returns what the whole index holds."""
        return Totals(*next(self._rows(TOTALS)))

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
        return self._rows(FIND_TEXTS, **values, **_below(folder))

    def find_symbols(
        self, words: list[str], *, folder: str, limit: int
    ) -> Iterator[tuple[str, int, str]]:
        """Yields path, line and text of the file for each symbol whose name has all ``words``.

        Letters match whether they are small or capital.
        """
        values = {"words": _json(words), "whole": ".".join(words).lower(), "limit": limit}
        return self._rows(FIND_SYMBOLS, **values, **_below(folder))

    def _rows(self, statement: str, **values: object) -> Iterator[Any]:
        return self._connection.execute(statement, values)


def last_part(name: str) -> str:
    """Returns the name of a symbol without what it is inside of."""
    return name.rpartition(".")[2]


def _json(words: list[str]) -> str:
    return json.dumps([word.lower() for word in words])


def _below(folder: str) -> dict[str, object]:
    below = folder.rstrip(os.sep) + os.sep
    return {"folder": folder, "below": below, "length": len(below)}


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables, unless they are there."""
    _probe(connection)
    with connection:
        connection.execute("begin immediate")  # or two that begin at once would both make tables
        (found,) = connection.execute("pragma application_id").fetchone()
        if found != FORMAT:
            if connection.execute("select 1 from sqlite_master").fetchone():
                raise sqlite3.DatabaseError("it is a database of something else")
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {FORMAT}")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")  # with WAL, a crash cannot harm the file


def _probe(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("create virtual table temp.probe using fts5 (text)")
        connection.execute("drop table temp.probe")
    except sqlite3.OperationalError as error:
        raise UnusableIndexError(f"the SQLite of this Python has no FTS5 ({error})") from error
