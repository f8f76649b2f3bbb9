"""The pages on ``fluid run`` say what the code says; their commands are up to conftest.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import fluid.runtime
from fluid.cli.options import OPTIONS, Row
from fluid.runtime import exit_codes
from fluid.runtime.front import stage_line
from fluid.runtime.stages import Stage, Waiting
from tests.test_docs import page, rows

RUNTIME = Path(fluid.runtime.__path__[0])

STARTING = Stage(
    "starting",
    "app",
    2.0,
    float("inf"),
    (Waiting("app/db", "on_startup", 2.0, ("db.py:1 in Db.on_startup",)),),
)


def flag(row: Row) -> str:
    """Returns an option as the table has it."""
    if row.is_argument:
        return row.flag
    return f"`{row.flag}`" if row.type is not None else f"`{row.flag}`, `--no-{row.key}`"


def default(row: Row) -> str:
    match row.default:
        case None:
            return "." if row.is_list else ""
        case False:
            return "no"
        case float(seconds):
            return f"{seconds:g}"
        case words:
            return str(words)


def lines_logged_in(folder: Path) -> Iterator[tuple[set[str], str]]:
    """Yields the levels and the pattern of each line that a logger is called with."""
    for file in sorted(folder.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name("logger")), args=[text, *_]):
                    yield levels(call.func), pattern(text)
                case ast.Call(
                    func=ast.Attribute(attr="safely" | "say" | "_say"), args=[level, text, *_]
                ):
                    yield levels(level), pattern(text)


def levels(code: ast.expr) -> set[str]:
    return {node.attr.upper() for node in ast.walk(code) if isinstance(node, ast.Attribute)}


def pattern(code: ast.expr) -> str:
    """Returns what matches all texts that code stands for."""
    match code:
        case ast.JoinedStr(values=parts):
            return "".join(map(pattern, parts))
        case ast.Constant(value=str(text)):
            return ".*".join(map(re.escape, re.split(r"%[.\d]*[a-z]", text)))
        case _:
            return ".*"


def test_the_exit_codes_are_those_of_the_runtime():
    shown = [row[0] for row in rows(page("running"), "Exit codes")]
    codes = [exit_codes.CLEAN, exit_codes.UNFINISHED, exit_codes.USAGE]
    codes += [exit_codes.START_FAILED, exit_codes.OVERRAN]
    assert shown == [*map(str, codes), f"{exit_codes.SIGNALLED} + n", "k"]


def test_the_options_are_those_of_the_command_line():
    shown = [tuple(row[:3]) for row in rows(page("running"), "Options")]
    assert shown == [(flag(row), f"`{row.variable}`", default(row)) for row in OPTIONS]


def test_every_line_of_the_process_is_in_its_table_and_no_other():
    table = [row[:2] for row in rows(page("log-lines"), "The process")]
    for allowed, text in lines_logged_in(RUNTIME):
        if text == ".*":  # made elsewhere: a stage below, and what LoopStalled says
            continue
        found = [row for row in table if re.fullmatch(text, row[1])]
        assert found, text
        assert found[0][0] in allowed
        table.remove(found[0])
    made = [re.escape(row[1]).replace("…", ".*") for row in table]
    assert [bool(re.fullmatch(line, stage_line(STARTING))) for line in made] == [True], table
