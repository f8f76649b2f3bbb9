"""The second table of docs/comparison.md: that it is what was observed, and that fluid is right.

No other system is needed here. Those scripts for fluid that start processes, and the one with a
thread, run in ``make bench-peers`` only; what they show is in ``test_peers_*.py`` as well.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import fluid.testing
from benchmarks.peers import page
from benchmarks.peers.behaviour import __main__ as command
from benchmarks.peers.behaviour import observing, table
from benchmarks.peers.behaviour.record import FILE, Observation, Pair, Record
from benchmarks.peers.behaviour.rows import HERE, PREFIXES, ROWS, SECTIONS, Row

TOOLS = {"__init__", "__main__", "observing", "record", "rows", "table"}
REAL_TIME = {"aio_fluid_send_from_thread"}
"""Has a thread, which knows nothing of virtual time."""

ROW = Row("mode-streaming", "one_for_all", "one crashes", "As documented.")
GOOD = Observation("a restart", "2 starts", True)
BAD = Observation("a restart", "`x | y`", False)


def in_virtual_time() -> list[str]:
    """Returns the scripts for fluid that virtual time is enough for."""
    names = sorted({row.ours.stem for row in ROWS} - REAL_TIME)
    return [name for name in names if inspect.iscoroutinefunction(module(name).observe)]


def module(name):
    return importlib.import_module(f"benchmarks.peers.behaviour.{name}")


def expectation(script: Path) -> str:
    """Returns what a script says that one expects, without running it."""
    [text] = [
        value.value
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "expected"
        if isinstance(value, ast.Constant)
    ]
    return text


@pytest.mark.parametrize("name", in_virtual_time())
def test_fluid_does_what_one_expects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "aio_fluid_idle_group":
        monkeypatch.setattr(module(name), "COUNT", 50)
    said = fluid.testing.run(module(name).observe())
    assert said["as_expected"], said["observed"]


def test_every_row_has_both_scripts_and_every_script_has_a_row() -> None:
    scripts = {script for row in ROWS for script in (row.theirs, row.ours)}
    found = {path for path in HERE.glob("*.py") if path.stem not in TOOLS}
    assert scripts == found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.theirs.stem)
def test_both_scripts_of_a_row_expect_the_same(row: Row) -> None:
    assert expectation(row.theirs) == expectation(row.ours)


def test_the_page_shows_what_was_observed() -> None:
    shown = page.section(page.PAGE.read_text(encoding="utf-8"), table.SECTION)
    assert shown.strip() == table.rendered(Record.read()).strip()


def test_what_was_observed_has_all_rows_and_no_other_and_all_versions() -> None:
    record = Record.read()
    assert list(record.pairs) == [row.theirs.stem for row in ROWS]
    assert set(record.versions) == {"fluid", *(row.system for row in ROWS)}
    for row in ROWS:
        pair = record.pair(row)
        assert pair.theirs.expected == pair.ours.expected == expectation(row.theirs)


def test_what_was_observed_names_no_place_on_the_machine_that_it_ran_on() -> None:
    assert not re.findall(r"(?<![\w.])/\w+/", FILE.read_text(encoding="utf-8"))


def test_fluid_did_what_one_expects_in_every_row() -> None:
    assert [name for name, pair in Record.read().pairs.items() if not pair.ours.as_expected] == []


def test_a_record_is_kept_as_it_is() -> None:
    record = Record("a machine", "3.13.0", {"fluid": "0.1"}, {"x": Pair(BAD, GOOD)})
    assert Record.from_text(record.as_text()) == record


@pytest.fixture
def record() -> Record:
    """Returns one with the same for every row."""
    versions = dict.fromkeys(PREFIXES, "1.0")
    pairs = {row.theirs.stem: Pair(BAD, GOOD) for row in ROWS}
    return Record("a machine", "3.13.0", versions, pairs)


def test_a_row_names_the_version_and_the_remark_and_links_both_scripts(record: Record) -> None:
    begin = "../benchmarks/peers/behaviour"
    assert table.line(record, ROW) == (
        f"| **mode 1.0**: one crashes ([script]({begin}/mode_one_for_all.py)) "
        "| a restart | `x &#124; y`. As documented. "
        f"| As expected: 2 starts. ([script]({begin}/fluid_one_for_all.py)) |"
    )


def test_another_system_that_does_what_one_expects_is_said_to(record: Record) -> None:
    record.pairs[ROW.theirs.stem] = Pair(GOOD, GOOD)
    assert "| As expected: 2 starts. As documented. |" in table.line(record, ROW)


def test_every_section_has_its_heading_and_its_rows(record: Record) -> None:
    lines = table.rendered(record).splitlines()
    assert [line[4:] for line in lines if line.startswith("### ")] == list(SECTIONS)
    assert sum(line.startswith("| **") for line in lines) == len(ROWS)


def test_a_script_of_a_system_with_the_same_api_is_run_with_fluid_as_well() -> None:
    assert replace(ROW, system="aio-fluid").ours == replace(ROW, system="aio-fluid").theirs


# --- running scripts -----------------------------------------------------------------------------


def script_of(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.real
def test_what_a_script_says_is_its_last_line(tmp_path: Path) -> None:
    said = '{"expected": "a restart", "observed": "2 starts", "as_expected": true}'
    script = script_of(tmp_path, f"print('ready')\nprint('''{said}''')")
    assert observing.observation(Path(sys.executable), script) == GOOD


@pytest.mark.real
def test_a_script_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    script = script_of(tmp_path, "raise ImportError('no such module')")
    message = r"script.py failed with exit code 1: ImportError: no such module"
    with pytest.raises(observing.ObservingError, match=message):
        observing.observation(Path(sys.executable), script)


@pytest.mark.real
def test_a_script_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    script = script_of(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(observing.ObservingError, match=r"script.py took longer than 0.05 seconds"):
        observing.observation(Path(sys.executable), script, limit=0.05)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lets the command observe nothing, and write into another folder; returns the folder."""
    text = f"<!-- begin: {table.SECTION} -->\n<!-- end: {table.SECTION} -->\n"
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(command, "pair", lambda _: Pair(BAD, GOOD))
    monkeypatch.setattr(command, "FILE", tmp_path / "figures" / "behaviour.json")
    monkeypatch.setattr(command, "printed", lambda *_: "3.13.0")
    monkeypatch.setattr(command, "python_of", Path)
    monkeypatch.setattr(command, "version_of", lambda _: "1.0")
    write = page.write
    monkeypatch.setattr(page, "write", lambda sections: write(sections, tmp_path / "page.md"))
    return tmp_path


def test_without_write_nothing_is_written(written: Path, capsys) -> None:
    assert command.main(["--only", "aiojobs"]) == 0
    assert "as expected: 0 of 1 with the others, 1 of 1 with fluid" in capsys.readouterr().out
    assert not (written / "figures").exists()


def test_write_writes_the_record_and_the_page(written: Path) -> None:
    assert command.main(["--write"]) == 0
    record = Record.read(written / "figures" / "behaviour.json")
    shown = page.section((written / "page.md").read_text(encoding="utf-8"), table.SECTION)
    assert shown.strip() == table.rendered(record).strip()


@pytest.mark.usefixtures("written")
def test_where_fluid_is_not_right_the_exit_code_is_1(monkeypatch) -> None:
    monkeypatch.setattr(command, "pair", lambda _: Pair(GOOD, BAD))
    assert command.main(["--only", "aiojobs"]) == 1


def test_where_something_was_not_observed_the_exit_code_is_2_and_nothing_is_written(
    written: Path, monkeypatch
) -> None:
    def fail(_: Row) -> Pair:
        raise observing.ObservingError("script.py failed")

    monkeypatch.setattr(command, "pair", fail)
    assert command.main(["--write"]) == 2
    assert not (written / "figures").exists()


@pytest.mark.parametrize("arguments", [["--only", "celery"], ["--write", "--only", "aiojobs"]])
def test_a_wrong_option_is_told(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err
