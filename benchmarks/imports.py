"""What ``from fluid.utils.worker import Worker`` takes, against ``import asyncio``.

asyncio is the other because fluid cannot do without it: the ratio says how much longer a program
takes to start that would have imported asyncio anyway. Each side of each pair is a new process with
``-X importtime``, and what counts is the sum over everything that the statement imports. Both find
their bytecode, as installed packages do: the first pair, which does not count, has written it.

The last line counts the packages that come with it and are not part of Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory

from .pairs import Plan, python
from .result import Result, fluid_at_most, ratio_at_most

FLUID = "from fluid.utils.worker import Worker"
ASYNCIO = "import asyncio"
PAIRS = 31

STRANGERS = """
import sys
before = set(sys.modules)
{statement}
names = {{name.partition('.')[0] for name in set(sys.modules) - before}}
print(*sorted(names - sys.stdlib_module_names - {{'fluid'}}))
"""


def results(plan: Plan) -> Iterator[Result]:
    """Measures the time, then looks for strangers."""
    with TemporaryDirectory() as cache:
        samples = plan.alternate(
            lambda: importing(FLUID, cache), lambda: importing(ASYNCIO, cache), pairs=PAIRS
        )
    yield Result("import", "ms", samples, ratio_at_most(1.3))
    ours, theirs = strangers(FLUID), strangers(ASYNCIO)
    name = f"  packages that are not Python's: {', '.join(ours) or 'none'}"
    yield Result(name, "", [(len(ours), len(theirs))], fluid_at_most(0, "packages"))


def importing(statement: str, cache: str) -> float:
    """Returns the milliseconds that the imports of a statement take, with bytecode in ``cache``."""
    done = python(
        *("-X", "importtime", "-c", statement),
        PYTHONPYCACHEPREFIX=cache,
        PYTHONDONTWRITEBYTECODE="",
    )
    return total_ms(done.stderr)


def total_ms(report: str) -> float:
    """Adds up a report of ``-X importtime``, from where the interpreter itself was ready.

    Its lines read ``import time: self [us] | cumulative | name``, and ``site`` is the last module
    that an interpreter imports for itself.
    """
    rows = [line.split("|") for line in report.splitlines() if line.startswith("import time:")]
    names = [row[2].strip() for row in rows]
    own = rows[names.index("site") + 1 :]
    return sum(int(row[0].removeprefix("import time:")) for row in own) / 1000


def strangers(statement: str) -> list[str]:
    """Returns the packages that a statement imports and that are not part of Python."""
    return python("-c", STRANGERS.format(statement=statement)).stdout.split()
