"""The programs in docstrings: each is executed, so that none can rot.

A literal block (``::``) that calls ``asyncio.run`` is a whole program and runs on virtual time. One
that calls ``fluid.run`` runs as it is, in a process of its own. Any other block has to be Python at
least. A docstring may be that of a module, of a class or function in it, or of a member of theirs.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

import fluid
import fluid.testing
from fluid.utils.worker import Worker

BLOCK = re.compile(r"::\n\n(?P<code>(?:(?: {4}.*)?\n)+)")


def modules() -> Iterator[ModuleType]:
    """Yields every module of fluid but those that only run as a program."""
    yield fluid
    for info in pkgutil.walk_packages(fluid.__path__, "fluid."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def documented_in(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yields what can have a docstring: the module, what it defines, and the members of that."""
    yield module.__name__, module
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__ or not callable(thing):
            continue
        yield f"{module.__name__}.{name}", thing
        for attribute, member in vars(thing).items() if inspect.isclass(thing) else ():
            if attribute.startswith("__") or callable(member) or isinstance(member, property):
                yield f"{module.__name__}.{name}.{attribute}", member


def blocks() -> dict[str, str]:
    """Returns every literal block of every docstring, by where it stands."""
    found = {}
    for module in modules():
        for where, thing in documented_in(module):
            text = inspect.cleandoc(getattr(thing, "__doc__", None) or "") + "\n"
            for number, match in enumerate(BLOCK.finditer(text), start=1):
                found[f"{where} {number}"] = textwrap.dedent(match["code"]).strip() + "\n"
    return found


BLOCKS = blocks()
PROGRAMS = {where: code for where, code in BLOCKS.items() if "asyncio.run(" in code}
MAINS = {
    where: code
    for where, code in BLOCKS.items()
    if re.search(r"^ *(fluid\.)?run\(", code, re.MULTILINE)
}
KINDS = sorted(
    name
    for name in fluid.__all__
    if inspect.isclass(kind := getattr(fluid, name)) and issubclass(kind, Worker)
)

LOOPS = ["virtual", *(["eager"] if sys.version_info >= (3, 12) else [])]


def run_on_virtual_time(code: str, *, eager: bool) -> None:
    """Executes a program as if it were a file of its own."""

    with patch("asyncio.run", partial(fluid.testing.run, eager=eager)):
        exec(compile(code, "<docstring>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("where", PROGRAMS)
def test_program_in_a_docstring_runs_to_its_end_and_prints_something(
    where: str, loop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_on_virtual_time(PROGRAMS[where], eager=loop == "eager")
    printed = capsys.readouterr()
    assert printed.out.strip()
    assert not printed.err


@pytest.mark.real
@pytest.mark.parametrize("where", MAINS)
def test_program_that_is_a_whole_process_ends_well_and_prints_something(where: str) -> None:
    paths = f"import sys; sys.path.insert(0, {str(Path(fluid.__file__).parent.parent)!r})\n"
    command = [sys.executable, "-W", "error", "-c", paths + MAINS[where]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize("where", BLOCKS)
def test_every_block_of_a_docstring_is_python(where: str) -> None:
    ast.parse(BLOCKS[where])


@pytest.mark.parametrize("kind", KINDS)
def test_docstring_of_every_kind_of_worker_carries_a_program_that_runs(kind: str) -> None:
    module = getattr(fluid, kind).__module__
    assert [where for where in PROGRAMS if where.startswith(f"{module}.{kind} ")]


def test_blocks_are_found_where_they_are() -> None:
    assert "fluid.worker.base.Worker 1" in PROGRAMS
    assert [where for where in MAINS if where.startswith("fluid.runtime")]
    assert "fluid 1" in BLOCKS
    assert "fluid 1" not in {**PROGRAMS, **MAINS}


def test_program_that_rots_is_noticed() -> None:
    with pytest.raises(ImportError):
        run_on_virtual_time("from fluid.utils.worker import Vorker\n", eager=False)
    with pytest.raises(fluid.testing.LeakError):
        run_on_virtual_time(
            "import asyncio\n"
            "async def main():\n"
            "    asyncio.get_running_loop().call_later(5, print)\n"
            "asyncio.run(main())\n",
            eager=False,
        )
