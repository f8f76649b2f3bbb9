"""Holds the rule that ``fluid/tasks.py`` is the only place that creates and cancels asyncio tasks.

ruff bans ``asyncio.create_task`` and its kin by name; this sees the methods as well, on whatever
object they are: ``loop.create_task``, ``group.create_task``, ``task.cancel()``, and ``task.cancel``
where it is handed to ``call_later`` or ``add_done_callback``.

A timer may be cancelled anywhere, so the name it goes by has to say that it is one: it ends in
``timer`` or ``handle``. ``fluid/testing`` plays with schedules for a living and is left out.

Usage: ``python tools/lint_tasks.py [folder]``; the folder is ``src/fluid`` unless given.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CREATES = {"create_task", "ensure_future"}
EXEMPT = ("tasks.py", "testing/")

SPAWN = "creates a task; use fluid.tasks.spawn, which keeps it alive and observes its end"
CANCEL = (
    "cancels something that may be a task; use fluid.tasks.cancel, "
    "or call it a timer: a name that ends in `timer` or `handle`"
)


def main(folder: Path) -> int:
    """Prints each breach as ``file:line: what, and what to do``; returns the exit code."""
    breaches = [
        f"{path}:{line}: {message}"
        for path in sorted(folder.rglob("*.py"))
        if not path.relative_to(folder).as_posix().startswith(EXEMPT)
        for line, message in sorted(breaches_in(path.read_text(encoding="utf-8")))
    ]
    print("\n".join(breaches) if breaches else f"{folder}: only tasks.py creates or cancels tasks")
    return 1 if breaches else 0


def breaches_in(source: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the message of each breach in a module."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if name in CREATES:
                yield node.lineno, f"`{ast.unparse(node)}` {SPAWN}"
            case ast.ImportFrom(module="asyncio", names=names):
                for name in CREATES & {alias.name for alias in names}:
                    yield node.lineno, f"`from asyncio import {name}` {SPAWN}"
            case ast.Call(func=ast.Attribute(attr="Task") | ast.Name(id="Task")):
                yield node.lineno, f"`{ast.unparse(node.func)}(...)` {SPAWN}"
            case ast.Call(func=func, args=args):
                for used in [func, *(args if takes_callback(func) else [])]:
                    if may_cancel_a_task(used):
                        yield used.lineno, f"`{ast.unparse(used)}` {CANCEL}"


def takes_callback(func: ast.expr) -> bool:
    """Tells whether ``func`` is ``call_later``, ``add_done_callback`` or one of their kin."""
    return isinstance(func, ast.Attribute) and func.attr.startswith(("call_", "add_"))


def may_cancel_a_task(used: ast.expr) -> bool:
    """Tells whether ``used`` is the ``cancel`` of anything that does not say it is a timer."""
    match used:
        case ast.Attribute(attr="cancel", value=ast.Name(id="tasks")):  # the module
            return False
        case ast.Attribute(attr="cancel", value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return not name.endswith(("timer", "handle"))
        case _:
            return isinstance(used, ast.Attribute) and used.attr == "cancel"


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:2] or ["src/fluid"])))
