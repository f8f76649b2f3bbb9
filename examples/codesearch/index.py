"""The pipeline that brings the index up to date and ends, and what shows how far it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from fluid import Pipeline, Worker

from .app import Parsers, Scanner, Writer
from .progress import Tally, display


def indexer(roots: Sequence[Path], database: Path, tally: Tally) -> Pipeline:
    """Returns the pipeline that brings ``database`` up to date with what is below ``roots``.

    Args:
        roots: Absolute paths of files and folders.
        database: Where the index is.
        tally: Is kept up to date.
    """
    writer = Writer(database, tally)
    parsers = Parsers(writer, tally)
    scanner = Scanner(roots, parsers, writer, tally)
    return Pipeline(scanner, parsers, writer, Reporter(tally), name="codesearch")


class Reporter(Worker):
    """Shows how far things are. It starts first and ends last, and so sees everything."""

    cleanup_period = 0.0

    def __init__(self, tally: Tally) -> None:
        super().__init__(stopping_grace_period=1.0)
        self.tally = tally

    async def run(self) -> None:
        """Looks at the tally ten times a second, and once more at the end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        with display(sys.stderr) as shown:
            while await self.sleep(0.1):
                shown.show(self.tally, loop.time() - began)
            shown.show(self.tally, loop.time() - began)
