"""What the index keeps, and how it is searched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from examples.codesearch.search import (
    Hit,
    best_line,
    expression,
)
from examples.codesearch.sql import FORMAT
from examples.codesearch.store import Change, Forget, Store, UnusableIndexError
from tests.examples.cast import defined, found, keep

# --- store: what the index keeps ------------------------------------------------------------------


def test_what_is_kept_again_replaces_what_was_kept(store: Store):
    store.write([keep("/a.py", "old\n\n", ("old", 1))])
    store.write([keep("/a.py", "new\n", ("new", 1))])
    assert store.known(["/"]) == {"/a.py": (4, 1)}
    assert store.totals() == (1, 1, 1)
    assert (found(store, "old"), defined(store, "old")) == ([], [])
    assert found(store, "new") == ["/a.py:1: new"]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/"], {"/a.py", "/a/b.py", "/a/c/d.py", "/a0.py", "/ab/c.py"}),
        (["/a"], {"/a/b.py", "/a/c/d.py"}),
        (["/a/b.py"], {"/a/b.py"}),
        (["/a/b.py", "/ab", "/gone"], {"/a/b.py", "/ab/c.py"}),
        ([], set()),
    ],
)
def test_known_are_the_files_at_or_below_some_paths(
    store: Store, paths: list[str], names: set[str]
):
    files = ("/a.py", "/a/b.py", "/a/c/d.py", "/a0.py", "/ab/c.py")
    store.write([keep(path, "fox") for path in files])
    assert set(store.known(paths)) == names


def test_what_is_forgotten_is_in_no_answer(store: Store):
    store.write([keep("/a.py", "fox", ("fox", 1))])
    assert store.write([Forget("/a.py"), Forget("/never.py")]) == 1
    assert (found(store, "fox"), defined(store, "fox")) == ([], [])
    assert store.totals() == (0, 0, 0)


def test_changes_are_written_together_or_not_at_all(store: Store):
    store.write([keep("/a.py", "fox")])
    changes: list[Change] = [Forget("/a.py"), keep("/b.py", "\ud800")]
    with pytest.raises(UnicodeEncodeError):
        store.write(changes)
    assert list(store.known(["/"])) == ["/a.py"]
    assert found(store, "fox") == ["/a.py:1: fox"]


def test_an_index_is_what_it_was_when_it_is_opened_again(tmp_path: Path):
    with Store.open(tmp_path / "new" / "folder" / "index.db") as store:
        store.write([keep("/a.py", "fox")])
    with Store.open(tmp_path / "new" / "folder" / "index.db", create=False) as store:
        assert found(store, "fox") == ["/a.py:1: fox"]


def test_an_index_that_is_not_there_is_not_made_for_a_search(tmp_path: Path):
    with pytest.raises(UnusableIndexError, match="there is no index at .*index.db"):
        Store.open(tmp_path / "index.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_something_else_is_refused_and_not_touched(tmp_path: Path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("create table precious (data)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UnusableIndexError, match="a database of something else"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path):
    path = tmp_path / "note.txt"
    path.write_text("remember the milk\n" * 100)
    with pytest.raises(UnusableIndexError, match="file is not a database"):
        Store.open(path)


def test_an_sqlite_without_fts5_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch):
    class Poor(sqlite3.Connection):
        def execute(self, statement: str, *values):
            if "using fts5" in statement:
                raise sqlite3.OperationalError("no such module: fts5")
            return super().execute(statement, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **options: connect(path, factory=Poor, **options)
    )
    with pytest.raises(UnusableIndexError, match="the SQLite of this Python has no FTS5"):
        Store.open(Path(":memory:"))


def test_the_format_is_told_by_the_header(tmp_path: Path):
    Store.open(tmp_path / "index.db").close()
    header = (tmp_path / "index.db").read_bytes()[:72]
    assert int.from_bytes(header[68:72], "big") == FORMAT


# --- search: words in, lines out ------------------------------------------------------------------


def test_a_search_finds_the_line_in_files_that_have_all_words(store: Store):
    store.write([keep("/a.py", "one\n  red fox\n"), keep("/b.py", "red\n"), keep("/c.py", "fox\n")])
    assert found(store, "red", "FOX") == ["/a.py:2: red fox"]


def test_a_search_finds_nothing_in_an_empty_index(store: Store):
    assert found(store, "red") == []
    assert defined(store, "red") == []


def test_names_are_found_by_their_parts_and_as_a_whole(store: Store):
    store.write([keep("/a.py", "create_task()"), keep("/b.py", "task = create()")])
    assert len(found(store, "task")) == 2
    assert found(store, "create_task") == ["/a.py:1: create_task()"]


@pytest.mark.parametrize(
    "word", ['"', "*", "-", "a*", "-a", 'a"b', "a:b", "(a", "NEAR(a)", "a^", "{a}", "'", "a AND"]
)
def test_nothing_that_is_searched_for_is_taken_for_syntax(store: Store, word: str):
    store.write([keep("/m.py", "b")])
    assert found(store, word) == []
    assert defined(store, word) == []


def test_words_without_a_letter_or_digit_are_left_out():
    assert expression(["->", "a"]) == '"a"'
    assert expression(["->"]) == ""


def test_a_file_that_defines_a_word_comes_before_one_that_is_full_of_it(store: Store):
    store.write([keep("/uses.py", "fox\n" * 9), keep("/has.py", "#\nclass Fox:\n", ("Fox", 2))])
    assert found(store, "fox") == ["/has.py:2: class Fox:", "/uses.py:1: fox"]


def test_a_file_with_the_word_in_its_name_comes_before_one_that_has_it_inside(store: Store):
    store.write([keep("/a.py", "import fox\n"), keep("/fox.py", "#!python\n")])
    assert found(store, "fox") == ["/fox.py:1: #!python", "/a.py:1: import fox"]


def test_a_search_keeps_to_its_folder_and_its_limit(store: Store):
    store.write([keep(f"/{name}.py", "fox") for name in ("a/x", "a/y", "ab/x")])
    assert found(store, "fox", folder="/a") == ["/a/x.py:1: fox", "/a/y.py:1: fox"]
    assert found(store, "fox", folder="/a/y.py") == ["/a/y.py:1: fox"]
    assert len(found(store, "fox", limit=2)) == 2


def test_symbols_are_found_by_any_part_of_their_name_the_closest_first(store: Store):
    symbols = [("Fox", 1), ("fox_trot", 2), ("Zoo.fox", 3), ("outfoxed", 4), ("Zoo.fox.den", 5)]
    text = "\n".join(f"def {name}" for name, _ in symbols)
    store.write([keep("/a.py", text, *symbols)])
    assert [hit.text for hit in defined(store, "fox")] == [
        "def Fox",
        "def Zoo.fox",
        "def fox_trot",
        "def outfoxed",
        "def Zoo.fox.den",
    ]
    assert defined(store, "zoo", "DEN") == [Hit("/a.py", 5, "def Zoo.fox.den")]
    assert defined(store, "f_x") == []


@pytest.mark.parametrize(
    ("marked", "line"),
    [
        ("first\nsecond", (1, "first")),
        ("x\n <fox>\n<fox>", (2, "<fox>")),
        ("<red>\n<red> <fox>\n<fox>", (2, "<red> <fox>")),
        ("<fox> <FOX>\n<red> <fox>", (2, "<red> <fox>")),
        ("<fox>()\n  async def <fox>():\n", (2, "async def <fox>():")),
        ("class <Red>:\n<red> <fox>", (2, "<red> <fox>")),
    ],
)
def test_the_best_line_has_the_most_different_words_and_then_a_definition(
    marked: str, line: tuple[int, str]
):
    def with_marks(text: str) -> str:
        return text.replace("<", "\ue000").replace(">", "\ue001")

    assert best_line(with_marks(marked)) == (line[0], with_marks(line[1]))
