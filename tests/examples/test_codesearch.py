"""The program in ``examples/codesearch``: its workers, its commands, and Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.codesearch import __main__ as program
from examples.codesearch import app, parse
from examples.codesearch.index import indexer
from examples.codesearch.parse import Trouble
from examples.codesearch.progress import Tally
from examples.codesearch.scan import MAX_BYTES
from examples.codesearch.store import Store
from fluid import WorkerState
from tests.examples.cast import in_index, write

ROOT = Path(__file__).parents[2]


# --- the workers, on a real loop ------------------------------------------------------------------

PACED_PARSER = """\
import runpy, sys, time
parse = runpy.run_path({path!r})
def paced():
    for request in sys.stdin.buffer:
        {action}
        yield request
parse["serve"](paced(), sys.stdout.buffer)
"""


@pytest.fixture
def parser_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the parsers a process that does something else before it parses."""

    def use(action: str) -> None:
        script = tmp_path / "parser.py"
        script.write_text(PACED_PARSER.format(path=parse.__file__, action=action))
        monkeypatch.setattr(parse, "__file__", str(script))

    return use


async def started(tree: Path, database: Path, tally: Tally):
    group = indexer([tree], database, tally)
    await group.startup()
    return group


@pytest.mark.real
async def test_the_group_ends_by_itself_when_everything_is_written(tree: Path, tmp_path: Path):
    write(tree, **{f"m{number}": "def f(): pass\n" for number in range(150)})
    tally = Tally()
    group = await started(tree, tmp_path / "index.db", tally)
    await group.wait_for_shutdown()
    assert (tally.written, tally.symbols, tally.left, tally.is_complete) == (150, 150, 0, True)
    assert len(in_index(tmp_path / "index.db")) == 150
    assert [child.worker_state for child in group.workers()] == [WorkerState.STOPPED] * 4


@pytest.mark.real
async def test_a_stop_writes_what_was_parsed_and_gives_back_what_was_queued(
    tree: Path, tmp_path: Path, parser_that: Callable[[str], None]
):
    parser_that("time.sleep(0.01)")
    write(tree, **{f"m{number}": "x = 1\n" for number in range(300)})
    tally = Tally()
    group = await started(tree, tmp_path / "index.db", tally)
    while not tally.written:
        await asyncio.sleep(0.01)
    await group.shutdown()
    assert not tally.is_complete
    assert 0 < tally.returned <= app.QUEUED + app.PARSERS
    assert len(in_index(tmp_path / "index.db")) == tally.written == 300 - tally.left
    assert [child.worker_state for child in group.workers()] == [WorkerState.STOPPED] * 4


@pytest.mark.real
async def test_a_file_that_takes_too_long_is_given_back_and_its_process_killed(
    tree: Path, tmp_path: Path, parser_that: Callable[[str], None]
):
    parser_that("time.sleep(0.01 if b'quick' in request else 60)")
    write(tree, quick="", slow="")
    tally = Tally()
    group = await started(tree, tmp_path / "index.db", tally)
    while not tally.written:
        await asyncio.sleep(0.01)
    await group.shutdown()
    assert in_index(tmp_path / "index.db") == {"quick"}
    assert (tally.left, tally.returned, tally.is_complete) == (1, 1, False)


@pytest.mark.real
async def test_a_file_that_kills_its_parser_is_reported_and_the_others_are_indexed(
    tree: Path, tmp_path: Path, parser_that: Callable[[str], None]
):
    parser_that("if b'deadly' in request: sys.exit(7)")
    write(tree, deadly="", one="", two="", three="")
    tally = Tally()
    group = await started(tree, tmp_path / "index.db", tally)
    await group.wait_for_shutdown()
    assert in_index(tmp_path / "index.db") == {"one", "two", "three"}
    (problem,) = tally.problems
    assert problem.trouble is Trouble.FATAL
    assert problem.detail == "its process ended with exit code 7"


@pytest.mark.real
async def test_a_writer_that_fails_ends_the_group_with_its_error(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(self: Store, changes: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "write", fail)
    write(tree, **{f"m{number}": "" for number in range(300)})
    tally = Tally()
    group = await started(tree, tmp_path / "index.db", tally)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        await group.wait_for_shutdown()
    assert (tally.written, tally.left, tally.is_complete) == (0, 300, False)


# --- the program ----------------------------------------------------------------------------------


class Program:
    """The program, run in this process against an index of its own."""

    def __init__(self, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database, self.capsys = database, capsys

    def __call__(self, *arguments: object) -> int:
        code = program.main(["--db", str(self.database), *map(str, arguments)])
        self.out, self.err = self.capsys.readouterr()
        return code


@pytest.fixture
def codesearch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path / "index.db", capsys)


@pytest.mark.real
def test_what_was_indexed_is_found_with_file_and_line(tree: Path, codesearch: Program):
    write(tree, zoo="import x\n\n\nclass Fox:\n    def jump(self): pass\n", other="Fox\n")
    assert codesearch("index", tree) == 0
    assert "indexed 2 files in" in codesearch.out
    assert "6 lines, 2 symbols" in codesearch.out
    assert codesearch("search", "fox") == 0
    assert codesearch.out == f"{tree}/zoo.py:4: class Fox:\n{tree}/other.py:1: Fox\n"
    assert codesearch("search", "--symbol", "jump") == 0
    assert codesearch.out == f"{tree}/zoo.py:5: def jump(self): pass\n"


@pytest.mark.real
def test_a_search_may_be_kept_to_a_folder_and_a_number(
    tree: Path, codesearch: Program, monkeypatch: pytest.MonkeyPatch
):
    write(tree, a__x="fox", a__y="fox", b__x="fox")
    codesearch("index", tree)
    monkeypatch.chdir(tree)
    assert codesearch("search", "fox", "--under", "b") == 0
    assert codesearch.out == "b/x.py:1: fox\n"
    assert codesearch("search", "fox", "--limit", 1) == 0
    assert codesearch.out == "a/x.py:1: fox\n"


@pytest.mark.real
def test_nothing_found_is_exit_code_1(tree: Path, codesearch: Program):
    codesearch("index", tree)
    assert codesearch("search", "fox") == 1
    assert (codesearch.out, codesearch.err) == ("", "nothing found for fox\n")


@pytest.mark.real
def test_the_next_run_reads_only_what_has_changed(tree: Path, codesearch: Program):
    write(tree, same="fox\n", edited="fox\n", deleted="fox\n")
    codesearch("index", tree)
    write(tree, edited="hedgehog\n", new="owl\n")
    (tree / "deleted.py").unlink()
    assert codesearch("index", tree) == 0
    assert "indexed 2 files in" in codesearch.out
    assert "skipped 1 unchanged files, removed 1 that are gone\n" in codesearch.out
    assert "has 3 files, 3 lines, 0 symbols\n" in codesearch.out
    codesearch("search", "fox")
    assert codesearch.out == f"{tree}/same.py:1: fox\n"


@pytest.mark.real
def test_another_folder_is_added_and_one_that_is_gone_is_removed(tree: Path, codesearch: Program):
    write(tree, a__x="fox", b__y="fox")
    codesearch("index", tree / "a")
    codesearch("index", tree / "b")
    assert in_index(codesearch.database) == {"x", "y"}
    (tree / "a" / "x.py").unlink()
    (tree / "a").rmdir()
    assert codesearch("index", tree / "a") == 0
    assert in_index(codesearch.database) == {"y"}


@pytest.mark.real
def test_bad_files_are_reported_and_counted_and_never_fatal(tree: Path, codesearch: Program):
    write(tree, good="fox\n", syntax="fox = (\n")
    (tree / "undecodable.py").write_bytes(b"#\n#\n\xff")
    (tree / "huge.py").write_bytes(b"#" * (MAX_BYTES + 1))
    (tree / "unreadable.py").symlink_to("nowhere")
    for indexed in (2, 0):
        assert codesearch("index", tree) == 0
        assert f"indexed {indexed} files in" in codesearch.out
        for trouble in ("undecodable", "huge", "unreadable"):
            assert f"1 {trouble}" in codesearch.out
            assert f"{trouble}: {tree}/{trouble}.py: " in codesearch.err
    codesearch("search", "fox")
    assert codesearch.out == f"{tree}/good.py:1: fox\n{tree}/syntax.py:1: fox = (\n"


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_reported(tree: Path, codesearch: Program):
    write(tree, secret="fox\n")
    (tree / "secret.py").chmod(0)
    assert codesearch("index", tree) == 0
    assert f"unreadable: {tree}/secret.py: Permission denied\n" in codesearch.err


@pytest.mark.real
def test_a_file_that_turns_bad_leaves_the_index(tree: Path, codesearch: Program):
    write(tree, file="fox\n")
    codesearch("index", tree)
    (tree / "file.py").write_bytes(b"#\n#\n\xff")
    assert codesearch("index", tree) == 0
    assert "removed 1 that are gone\nreported 1 undecodable\n" in codesearch.out
    assert in_index(codesearch.database) == set()


@pytest.mark.real
def test_the_demo_indexes_the_standard_library_and_searches_it(
    tree: Path, codesearch: Program, monkeypatch: pytest.MonkeyPatch
):
    write(tree, taskgroups="class TaskGroup:\n    def create_task(self): ...\n")
    monkeypatch.setattr(program, "standard_library", lambda: tree)
    for indexed, skipped in ((1, 0), (0, 1)):
        assert codesearch() == 0
        first, counts, rest, _, search, hit = codesearch.out.splitlines()
        assert first == f"$ python -m examples.codesearch index {tree}"
        assert counts.startswith(f"indexed {indexed} files in")
        assert rest == f"skipped {skipped} unchanged files, removed 0 that are gone"
        assert search == "$ python -m examples.codesearch search TaskGroup create_task"
        assert hit == f"{tree}/taskgroups.py:1: class TaskGroup:"


def test_the_standard_library_is_there():
    assert (program.standard_library() / "ast.py").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["search", "fox"], "codesearch: there is no index at "),
        (["index", "/no/such/place"], "codesearch: no such file or folder: /no/such/place\n"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    codesearch: Program, arguments: list[str], error: str
):
    assert codesearch(*arguments) == 2
    assert codesearch.err.startswith(error)
    assert codesearch.err.count("\n") == 1


def test_ctrl_c_before_there_are_workers_is_exit_code_130(
    tree: Path, codesearch: Program, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(store: Store, paths: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "known", interrupted)
    assert codesearch("index", tree) == 130


def test_the_index_is_in_the_users_cache_unless_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.delenv("CODESEARCH_DB", raising=False)
    index = Path("/caches/fluid-codesearch/index.db")
    assert program.default_database() == index
    assert program._parser().parse_args(["search", "x"]).db == index
    assert program._parser().parse_args(["--db", "a", "search", "x"]).db == Path("a")
    assert program._parser().parse_args(["search", "x", "--db", "b"]).db == Path("b")
    monkeypatch.setenv("CODESEARCH_DB", "c")
    assert program._parser().parse_args(["search", "x"]).db == Path("c")


# --- the program, in a process of its own ---------------------------------------------------------

DRIVER = """\
import sys
from examples.codesearch import app, parse, progress
from examples.codesearch.__main__ import main
parse.__file__ = {parser!r}
app.PARSERS = 2
progress.LINE_PERIOD = 0.2
sys.exit(main(["--db", {database!r}, "index", {tree!r}]))
"""


def index_slowly(tree: Path, tmp_path: Path) -> list[str]:
    """Returns a command that needs 10 ms a file, however fast the machine is."""
    parser = tmp_path / "parser.py"
    parser.write_text(PACED_PARSER.format(path=parse.__file__, action="time.sleep(0.02)"))
    database = str(tmp_path / "index.db")
    driver = DRIVER.format(parser=str(parser), database=database, tree=str(tree))
    return [sys.executable, "-c", driver]


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str, float]:
    """Waits for the first sign of progress, then presses Ctrl-C."""
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "files per second" in first
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # to the whole group, as a terminal does it
    out, err = process.communicate(timeout=30)
    return process.returncode, out, first + err, time.monotonic() - began


@pytest.mark.real
def test_ctrl_c_ends_it_within_a_second_and_the_next_run_takes_up_what_is_left(
    tree: Path, tmp_path: Path, codesearch: Program
):
    write(tree, **{f"m{number}": f"def f{number}(): pass\n" for number in range(300)})
    process = subprocess.Popen(
        index_slowly(tree, tmp_path),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    code, out, err, seconds = interrupt(process)
    assert code == 0, err
    assert "Traceback" not in err
    assert seconds < 2  # 0.1, unless the machine is busy
    (line,) = (line for line in out.splitlines() if line.startswith("interrupted: "))
    left = int(line.split()[1])
    written = len(in_index(tmp_path / "index.db"))
    assert 0 < written == 300 - left

    assert codesearch("index", tree) == 0
    assert f"indexed {left} files in" in codesearch.out
    assert f"skipped {written} unchanged files" in codesearch.out
    assert "has 300 files, 300 lines, 300 symbols" in codesearch.out
    with sqlite3.connect(tmp_path / "index.db") as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.real
def test_the_module_runs_and_a_closed_pipe_is_no_error(tree: Path, tmp_path: Path):
    write(tree, **{f"m{number}": "fox\n" for number in range(3)})
    command = [sys.executable, "-m", "examples.codesearch", "--db", str(tmp_path / "index.db")]
    indexed = subprocess.run(
        [*command, "index", tree], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (indexed.returncode, indexed.stderr) == (0, "")
    assert "indexed 3 files in" in indexed.stdout
    reader, writer = os.pipe()
    os.close(reader)
    try:
        search = subprocess.run(
            [*command, "search", "fox"],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (search.returncode, search.stderr) == (0, "")
