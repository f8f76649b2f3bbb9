"""Which files there are, and which of them have changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from examples.codesearch.parse import Trouble
from examples.codesearch.scan import MAX_BYTES, Listing, Problem, SourceFile, compare, find, is_in
from tests.examples.cast import a_file, write


def names_in(root: Path) -> list[str]:
    return sorted(item.name for item in find([root]) if isinstance(item, SourceFile))


def problems_in(root: Path) -> list[tuple[Trouble, str, str]]:
    return [
        (item.trouble, Path(item.path).name, item.detail)
        for item in find([root])
        if isinstance(item, Problem)
    ]


def test_python_files_are_found_at_any_depth_under_their_name_below_the_root(tree: Path):
    write(tree, one="", package__two="")
    (tree / "stub.pyi").touch()
    (tree / "readme.txt").touch()
    assert names_in(tree) == ["one.py", "package/two.py", "stub.pyi"]


def test_an_empty_folder_has_no_files(tree: Path):
    assert list(find([tree])) == []


def test_a_root_may_be_a_file(tree: Path):
    write(tree, one="", two="")
    assert names_in(tree / "one.py") == ["one.py"]


def test_a_root_that_is_gone_is_empty(tree: Path):
    assert list(find([tree / "gone"])) == []


@pytest.mark.parametrize("folder", [".hidden", "__pycache__", "site-packages", "node_modules"])
def test_some_folders_are_skipped_unless_they_are_the_root(tree: Path, folder: str):
    (tree / folder).mkdir()
    write(tree / folder, one="")
    assert names_in(tree) == []
    assert names_in(tree / folder) == ["one.py"]


def test_huge_files_are_a_problem(tree: Path):
    (tree / "huge.py").write_bytes(b"#" * (MAX_BYTES + 1))
    assert problems_in(tree) == [
        (Trouble.HUGE, "huge.py", "1,000,001 bytes; the limit is 1,000,000"),
    ]


def test_what_cannot_be_opened_is_a_problem(tree: Path):
    (tree / "dangling.py").symlink_to("nowhere")
    os.mkfifo(tree / "pipe.py")  # opening it would wait for ever
    assert problems_in(tree) == [
        (Trouble.UNREADABLE, "dangling.py", "No such file or directory"),
        (Trouble.UNREADABLE, "pipe.py", "not a regular file"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names of files are text")
def test_a_name_that_is_not_text_is_a_problem(tree: Path):
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff.py")).touch()
    assert problems_in(tree) == [(Trouble.UNREADABLE, "\ufffd.py", "its name is not text")]


def test_a_folder_that_cannot_be_listed_is_a_problem(tree: Path, monkeypatch: pytest.MonkeyPatch):
    write(tree, one="", secret__two="")
    scandir = os.scandir

    def refuse(folder: str):
        if folder.endswith("secret"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names_in(tree) == ["one.py"]
    assert problems_in(tree) == [(Trouble.UNREADABLE, "secret", "Permission denied")]


def test_new_and_different_files_have_changed_and_others_have_not():
    new, old, other = a_file("/t/new"), a_file("/t/old"), a_file("/t/other", (2, 2))
    known = {"/t/old": (1, 1), "/t/other": (1, 1)}
    assert compare([new, old, other], known, ["/t"]) == Listing(3, [new, other], [])


def test_a_file_that_is_found_twice_counts_once():
    file = a_file("/t/a/file")
    assert compare([file, file], {}, ["/t", "/t/a"]) == Listing(1, [file], [])


def test_known_files_that_are_not_found_are_gone():
    assert compare([], {"/t/a": (1, 1)}, ["/t"]).gone == ["/t/a"]
    assert compare([], {"/t/a": (1, 1)}, ["/t/a"]).gone == ["/t/a"]


def test_known_files_of_other_folders_are_not_gone():
    assert compare([], {"/u/a": (1, 1), "/tt/a": (1, 1)}, ["/t"]).gone == []


def test_known_files_that_became_huge_are_gone():
    huge = Problem(Trouble.HUGE, "/t/a", "")
    assert compare([huge], {"/t/a": (1, 1)}, ["/t"]).gone == ["/t/a"]


def test_known_files_that_could_not_be_looked_at_are_not_gone():
    problem = Problem(Trouble.UNREADABLE, "/t/secret", "Permission denied")
    assert compare([problem], {"/t/secret/a": (1, 1)}, ["/t"]).gone == []


def test_a_path_is_in_itself_and_in_what_is_above_it_and_in_nothing_else():
    assert is_in("/a/b", {"/a/b"})
    assert is_in("/a/b/c", {"/x", "/a"})
    assert not is_in("/ab/c", {"/a"})
    assert not is_in("/a", {"/a/b"})


# --- a look at some of it ---


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["a.py", "sub/b.py", "sub/c.py"]),
        ("a.py", ["a.py"]),
        ("sub", ["sub/b.py", "sub/c.py"]),
        ("sub/b.py", ["sub/b.py"]),
        ("gone", []),
        ("gone.py", []),
        ("note.txt", []),
        (".hidden", []),
        (".hidden/d.py", []),
        ("__pycache__/e.py", []),
        ("linked", []),
        ("linked/b.py", []),
        ("..", []),
    ],
)
def test_a_look_at_a_path_finds_what_a_search_of_the_root_finds_there(
    tree: Path, path: str, names: list[str]
):
    for folder in ("sub", ".hidden", "__pycache__"):
        (tree / folder).mkdir()
    for file in ("a.py", "sub/b.py", "sub/c.py", ".hidden/d.py", "__pycache__/e.py", "note.txt"):
        (tree / file).touch()
    (tree / "linked").symlink_to("sub")
    paths = [os.path.normpath(tree / path)]
    found = [item.name for item in find([tree], paths) if isinstance(item, SourceFile)]
    assert found == names
    everything = {item.name for item in find([tree]) if isinstance(item, SourceFile)}
    assert set(names) <= everything == {"a.py", "sub/b.py", "sub/c.py"}


def test_a_look_at_several_paths_is_taken_below_each_root(tree: Path):
    write(tree, a__x="", b__y="", c__z="")
    roots = [tree / "a", tree / "b"]
    paths = [str(tree / name) for name in ("a/x.py", "b", "c")]
    assert [item.name for item in find(roots, paths)] == ["x.py", "y.py"]
