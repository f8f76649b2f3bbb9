"""How ``examples/codesearch`` keeps its index current: in virtual time, told what has changed."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.codesearch import __main__ as program
from examples.codesearch import app, parse
from examples.codesearch.parse import Source
from examples.codesearch.places import DATABASE_VARIABLE
from examples.codesearch.store import Store
from examples.codesearch.watch import MANY, follower, watch
from fluid import Supervisor, WorkerState, cli
from tests.examples.cast import found, in_index, write


class Told:
    """Notices that a test gives."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[set[str] | Exception] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.is_in_hand = False

    async def wait(self) -> set[str]:
        if self.is_in_hand:  # whoever asks again is done with it
            self.news.task_done()
        self.is_in_hand = False
        self.asked.set()
        news = await self.news.get()
        self.is_in_hand = True
        if isinstance(news, Exception):
            raise news
        return news

    def tell_nowait(self, *paths: object) -> None:
        self.news.put_nowait({str(path) for path in paths})

    async def tell(self, *paths: object) -> None:
        """Tells of changes, and returns when the index has them."""
        self.tell_nowait(*paths)
        await self.news.join()


class ParserHere:
    """Parses in this process, as soon as its gate is open."""

    gate: asyncio.Event | None = None

    async def parse(self, path: str) -> Source:
        source = parse.read(path)
        if self.gate is not None:
            await self.gate.wait()
        return source

    async def end(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _parsers_here(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if not request.node.get_closest_marker("real"):
        monkeypatch.setattr(app, "ParserProcess", ParserHere)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Returns a function that returns what has been said since it was called before."""
    caplog.set_level(logging.INFO, "codesearch")
    seen = 0

    def new() -> list[str]:
        nonlocal seen
        lines = [record.getMessage() for record in caplog.records if record.name == "codesearch"]
        seen, before = len(lines), seen
        return lines[before:]

    return new


@asynccontextmanager
async def following(tree: Path, database: Path) -> AsyncIterator[Told]:
    """Follows a folder; returns what tells of changes, when everything is in the index."""
    told = Told()
    async with Supervisor(lambda: follower([tree], database, lambda _: told), name="codesearch"):  # type: ignore[arg-type, return-value]
        await told.asked.wait()
        yield told


# --- what is in the index -------------------------------------------------------------------------


async def test_everything_is_brought_up_to_date_and_then_watched(tree, database, said):
    write(tree, one="fox\n", package__two="fox\n")
    async with following(tree, database):
        assert in_index(database) == {"one", "two"}
        assert said() == [
            "one.py and 1 other changed: 2 files indexed, 0 removed, in 0.00 seconds",
            "watching 1 folder: 2 files in the index",
        ]


async def test_nothing_is_read_again_at_the_next_start(tree, database, said):
    write(tree, one="fox\n")
    for lines in (2, 1):
        async with following(tree, database):
            assert len(said()) == lines


CHANGES: dict[str, tuple[Callable[[Path], object], list[str], set[str], str]] = {
    "a new file": (
        lambda tree: write(tree, new="fox"),
        ["new.py"],
        {"old", "inner", "new"},
        "new.py changed: 1 file indexed, 0 removed",
    ),
    "a file with another text": (
        lambda tree: write(tree, old="owl"),
        ["old.py"],
        {"old", "inner"},
        "old.py changed: 1 file indexed, 0 removed",
    ),
    "a file that was deleted": (
        lambda tree: (tree / "old.py").unlink(),
        ["old.py"],
        {"inner"},
        "old.py changed: 0 files indexed, 1 removed",
    ),
    "a file that was renamed": (
        lambda tree: (tree / "old.py").rename(tree / "new.py"),
        ["old.py", "new.py"],
        {"new", "inner"},
        "new.py and 1 other changed: 1 file indexed, 1 removed",
    ),
    "a file that is no source any more": (
        lambda tree: (tree / "old.py").rename(tree / "old.txt"),
        ["old.py", "old.txt"],
        {"inner"},
        "old.py changed: 0 files indexed, 1 removed",
    ),
    "a folder that was moved here": (
        lambda tree: write(tree, new__a="fox", new__b="fox"),
        ["new"],
        {"old", "inner", "a", "b"},
        "new/a.py and 1 other changed: 2 files indexed, 0 removed",
    ),
    "a folder that was renamed": (
        lambda tree: (tree / "folder").rename(tree / "renamed"),
        ["folder", "renamed"],
        {"old", "inner"},
        "renamed/inner.py and 1 other changed: 1 file indexed, 1 removed",
    ),
    "a folder that was deleted": (
        lambda tree: shutil.rmtree(tree / "folder"),
        ["folder", "folder/inner.py"],
        {"old"},
        "folder/inner.py changed: 0 files indexed, 1 removed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_index_follows(tree: Path, database: Path, said, change: str):
    act, told_of, names, line = CHANGES[change]
    write(tree, old="fox", folder__inner="fox")
    async with following(tree, database) as told:
        said()
        act(tree)
        await told.tell(*(tree / name for name in told_of))
        assert in_index(database) == names
        assert said() == [f"{line}, in 0.00 seconds"]


async def test_what_is_told_and_is_no_source_changes_nothing_and_is_no_line(tree, database, said):
    write(tree, old="fox", __pycache____a="fox")
    (tree / "note.txt").touch()
    (tree / ".hidden.py").touch()
    async with following(tree, database) as told:
        said()
        await told.tell(*tree.iterdir(), tree / "gone", tree.parent / "elsewhere.py", database)
        assert said() == ["old.py changed: 1 file indexed, 0 removed, in 0.00 seconds"]
        assert in_index(database) == {"old"}


async def test_what_is_wrong_with_a_file_is_a_warning(tree, database, said, caplog):
    async with following(tree, database) as told:
        said()
        write(tree, bad="fox = (")
        await told.tell(tree / "bad.py")
    problem, line = said()
    assert problem == f"without symbols: {tree}/bad.py: line 1: '(' was never closed"
    assert line == "bad.py changed: 1 file indexed, 0 removed, in 0.00 seconds"
    assert [each.levelname for each in caplog.records if each.name == "codesearch"][-2:] == [
        "WARNING",
        "INFO",
    ]


# --- no change is lost ----------------------------------------------------------------------------


def text_in(database: Path, *words: str) -> bool:
    with Store.open(database) as store:
        return bool(found(store, *words))


async def test_a_change_while_a_file_is_parsed_is_the_one_that_stays(
    tree: Path, database: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tree, file="first")
    async with following(tree, database) as told:
        monkeypatch.setattr(ParserHere, "gate", gate := asyncio.Event())
        write(tree, file="second")
        told.tell_nowait(tree / "file.py")
        await asyncio.sleep(1)  # its text has been read, and is held back
        write(tree, file="third")
        told.tell_nowait(tree / "file.py")
        await asyncio.sleep(1)
        assert text_in(database, "first")
        gate.set()
        await told.news.join()
        assert text_in(database, "third")
        assert not text_in(database, "second")


async def test_a_change_that_the_stamp_does_not_show_is_seen(tree: Path, database: Path):
    write(tree, file="fox")
    status = (tree / "file.py").stat()
    async with following(tree, database) as told:
        write(tree, file="owl")
        os.utime(tree / "file.py", ns=(status.st_atime_ns, status.st_mtime_ns))
        await told.tell(tree / "file.py")
        assert text_in(database, "owl")


@pytest.mark.parametrize(("told_of", "is_seen"), [(MANY, False), (MANY + 1, True)])
async def test_after_very_many_changes_it_looks_everywhere(
    tree: Path, database: Path, told_of: int, is_seen: bool
):
    async with following(tree, database) as told:
        write(tree, nobody_has_told_of="fox")
        await told.tell(*range(told_of))
        assert text_in(database, "fox") is is_seen


async def test_when_the_watcher_fails_everything_is_looked_at_anew(
    tree: Path, database: Path, caplog: pytest.LogCaptureFixture
):
    async with following(tree, database) as told:
        write(tree, changed_meanwhile="fox")
        told.news.put_nowait(OSError("the queue has overflowed"))
        await told.news.join()
        assert in_index(database) == {"changed_meanwhile"}
        await told.tell(tree)
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(lines) == 1
    assert "codesearch/index will be restarted" in lines[0]


async def test_a_stop_gives_back_what_is_in_hand_and_the_next_start_finds_it(
    tree: Path, database: Path, monkeypatch: pytest.MonkeyPatch
):
    async with following(tree, database) as told:
        write(tree, **{f"m{number}": "fox" for number in range(200)})
        monkeypatch.setattr(ParserHere, "gate", asyncio.Event())
        told.tell_nowait(tree)
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before < 0.1
    assert in_index(database) == set()
    monkeypatch.setattr(ParserHere, "gate", None)
    async with following(tree, database):
        assert len(in_index(database)) == 200


async def test_a_stop_in_the_middle_is_an_ordinary_stop(
    tree: Path, database: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tree, one="fox", two="fox", three="fox")
    monkeypatch.setattr(ParserHere, "gate", asyncio.Event())
    group = follower([tree], database, lambda _: Told())  # type: ignore[arg-type, return-value]
    await group.startup()
    await asyncio.sleep(1)
    await group.shutdown()
    assert [worker.worker_state for worker in (group, *group.workers())] == [
        WorkerState.STOPPED
    ] * 4
    statuses: dict[str, Any] = await group.status()
    assert all(not status.get("messages", {}).get("dropped") for status in statuses.values())


# --- as a program ---------------------------------------------------------------------------------


def paths_in(tree: dict[str, Any]) -> list[str]:
    return [tree["path"], *(path for child in tree["children"] for path in paths_in(child))]


def test_the_tree_reads_well_and_ends_within_the_time_of_a_process():
    app = watch(".")
    assert paths_in(app.worker_tree()) == [
        "codesearch",
        "codesearch/index",
        "codesearch/index/writer",
        "codesearch/index/parsers",
        "codesearch/index/watcher",
    ]
    assert app.worker_stop_bound < 25


@pytest.mark.parametrize("arguments", [[], ["other"]])
async def test_folders_are_given_as_words_and_the_index_by_the_environment(
    tree: Path, database: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str]
):
    write(tree, here="fox", other__there="fox")
    monkeypatch.chdir(tree)
    monkeypatch.setenv(DATABASE_VARIABLE, str(database))
    monkeypatch.setattr(follower, "__defaults__", (lambda _: told,))
    told = Told()
    async with watch(*arguments):
        await told.asked.wait()
    assert in_index(database) == ({"there"} if arguments else {"here", "there"})


def test_a_folder_that_is_not_there_is_refused_before_anything_starts(tree: Path):
    with pytest.raises(FileNotFoundError, match=f"there is no folder {tree}/gone to watch"):
        watch(str(tree), f"{tree}/gone")


def test_the_command_watch_is_fluid_run(monkeypatch: pytest.MonkeyPatch):
    def main(arguments: Sequence[str]) -> None:
        given.extend([os.environ[DATABASE_VARIABLE], *arguments])
        raise SystemExit(0)

    given: list[str] = []
    monkeypatch.setattr(cli, "main", main)
    monkeypatch.setenv(DATABASE_VARIABLE, "another.db")
    with pytest.raises(SystemExit):
        program.main(["--db", "a.db", "watch", "one", "two"])
    assert given == ["a.db", "run", "examples.codesearch.watch:watch", "--", "one", "two"]


@pytest.mark.real
async def test_watchfiles_tells_what_has_changed(tree: Path, said):
    write(tree, old="fox")
    database = tree / "index.db"  # which is written to, and is no reason to look again
    group = Supervisor(lambda: follower([tree], database), name="codesearch")
    async with group, asyncio.timeout(10):
        while "watching 1 folder: 1 file in the index" not in said():
            await asyncio.sleep(0.005)
        write(tree, new__a="fox", old="owl")
        while in_index(database) != {"old", "a"} or not text_in(database, "owl"):
            await asyncio.sleep(0.01)
