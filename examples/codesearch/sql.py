"""All of the SQL: the tables of the index, and what is asked of them.

The text of a file is one row of an FTS5 table. A row for each line would make it easy to say in
which line a word is, but takes five times as long to write. Instead, ``search.py`` finds the line
in the texts of the few files that are shown.
"""

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

BELOW = "(files.path = :folder or files.path > :below and files.path < :beyond)"
"""At or below a folder. A range, so that the index by path serves it."""

KNOWN = f"select path, size, changed_ns from files where {BELOW}"
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

# Files that define the most of the words come first; then, a word counts more in a file's name.
FIND_TEXTS = f"""
select files.path, highlight(texts, 1, '{MARK_BEGIN}', '{MARK_END}')
from texts join files on files.id = texts.rowid
where texts match :query and (:folder = '' or {BELOW})
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
      and (:folder = '' or {BELOW})
order by lower(symbols.name) <> :whole, symbols.short <> :whole,
         length(symbols.name), files.path, symbols.line
limit :limit
"""
