"""The workers, and the group that they form. This is the file that is about fluid.

A scanner lists the files that have changed and sends them to a pool of parsers, which have them
parsed by processes of their own, and send the result to a writer, who puts many of them into one
transaction. A reporter watches. It is a pipeline, and so stops from the source to the sink: each is
asked to stop only when nobody is left who could send it anything.

* The run is over when the scanner ends, which it does when all files are parsed. With its end the
  pipeline stops: the parsers have nothing left, and the writer still writes what it was sent.
* On Ctrl-C the scanner sends nothing more and the parsers finish the files that they have in hand.
  What is queued they give back, and it takes no bookkeeping to do so: a file that is not in the
  index is one that the next run finds to be new. What has been parsed is written.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from fluid import BatchConsumer, Pipeline, QueueConsumerWorker, Worker

from .parse import Source, Trouble
from .process import ParserProcess
from .progress import Tally, display
from .scan import Problem, SourceFile, Stamp, compare, find
from .store import Change, Forget, Keep, Store

T = TypeVar("T")

LISTED_AT_ONCE = 500
"""Files for which the scanner goes to a thread, and after which it looks whether it has to stop."""
QUEUED = 64
"""Files that wait for a parser, at the most."""
WRITTEN_AT_ONCE = 64
"""Files in one transaction, at the most: some 40 ms of work."""
PARSERS = min(os.cpu_count() or 1, 8)
PARSER_GRACE = 0.5
"""Seconds that a parser has for the file in hand when it is asked to stop. A file that takes longer
is given back as well, and its process killed."""


def indexer(
    roots: Sequence[Path], database: Path, known: Mapping[str, Stamp], tally: Tally
) -> Pipeline:
    """Returns the pipeline that brings ``database`` up to date with what is below ``roots``.

    Args:
        roots: Absolute paths of files and folders.
        database: Where the index is.
        known: The files that are in it, as ``Store.known()`` returns them.
        tally: Is kept up to date.
    """
    writer = Writer(database, tally)
    parsers = Parsers(writer, tally)
    scanner = Scanner(roots, known, parsers, writer, tally)
    return Pipeline(scanner, parsers, writer, Reporter(tally), name="codesearch")


class Scanner(Worker):
    """Finds out what there is to do, sends it, and ends when it is done."""

    def __init__(
        self,
        roots: Sequence[Path],
        known: Mapping[str, Stamp],
        parsers: Parsers,
        writer: Writer,
        tally: Tally,
    ) -> None:
        super().__init__()
        self.roots, self.known = roots, known
        self.parsers, self.writer, self.tally = parsers, writer, tally

    async def run(self) -> None:
        """Lists files, sends those that have changed, and waits until the parsers have had them."""
        items = await self._find()
        if not self.is_running():
            return
        listing = await asyncio.to_thread(compare, items, self.known, self.roots)
        self.tally.problems.extend(item for item in items if isinstance(item, Problem))
        self.tally.listing = listing
        # A stop ends each of these waits, and with it the sending.
        for path in listing.gone:
            await self.wait_or_stop(self.writer.put(Forget(path)))
        for file in listing.changed:
            if not self.is_running():
                return
            await self.wait_or_stop(self.parsers.put(file))
        await self.wait_or_stop(self.parsers.join())
        self.tally.is_complete = self.is_running()

    async def _find(self) -> list[SourceFile | Problem]:
        items: list[SourceFile | Problem] = []
        search = find(self.roots)
        while self.is_running():
            some = await asyncio.to_thread(lambda: list(islice(search, LISTED_AT_ONCE)))
            if not some:
                break
            items += some
            self.tally.seen = len(items)
        return items


class Parsers(QueueConsumerWorker[SourceFile]):
    """Has files parsed, several at once, and sends what is in them on."""

    def __init__(self, writer: Writer, tally: Tally) -> None:
        super().__init__(concurrency=PARSERS, maxsize=QUEUED, stopping_grace_period=PARSER_GRACE)
        self.writer, self.tally = writer, tally
        self.idle = [ParserProcess() for _ in range(PARSERS)]

    async def on_startup(self) -> None:
        """Sees to it that the processes end with the worker."""
        for process in self.idle:
            self.worker_exit_stack.push_async_callback(process.end)

    async def on_message(self, file: SourceFile) -> None:
        """Has a file parsed by a process that has nothing else to do."""
        process = self.idle.pop()
        await self._send_on(file, await process.parse(file.path))
        self.idle.append(process)

    def gracefully_stop(self) -> None:
        """Asks for a stop that leaves what is queued as it is, for :meth:`on_undelivered`."""
        self.pause()
        super().gracefully_stop()

    async def _send_on(self, file: SourceFile, source: Source) -> None:
        if source.trouble is not None:
            self.tally.problems.append(Problem(source.trouble, file.path, source.detail))
        if source.trouble in (None, Trouble.SYNTAX):
            await self.writer.put(Keep(file, source, source.text.count("\n")))
        else:
            self.tally.failed += 1
            await self.writer.put(Forget(file.path))

    async def on_undelivered(self, messages: Sequence[SourceFile]) -> None:
        """Counts the files that the next run will find."""
        self.tally.returned += len(messages)


class Writer(BatchConsumer[Change]):
    """Writes into the index, as much at once as has come, in a thread of its own."""

    def __init__(self, database: Path, tally: Tally) -> None:
        super().__init__(size=WRITTEN_AT_ONCE, age=0, maxsize=WRITTEN_AT_ONCE)
        self.database, self.tally = database, tally

    async def on_startup(self) -> None:
        """Opens the index; it is closed when everything else here has ended."""
        # SQLite wants to be used by the thread that has opened it.
        stack = self.worker_exit_stack
        self.thread = stack.enter_context(ThreadPoolExecutor(1, "writer"))
        self.store = await self._in_thread(lambda: Store.open(self.database))
        stack.push_async_callback(self._in_thread, self.store.close)

    async def on_batch(self, changes: list[Change]) -> None:
        """Writes some changes in one transaction."""
        removed = await self._in_thread(lambda: self.store.write(changes))
        self._count(changes, removed)

    def _count(self, changes: list[Change], removed: int) -> None:
        self.tally.removed += removed
        for change in changes:
            if isinstance(change, Keep):
                self.tally.written += 1
                self.tally.lines += change.lines
                self.tally.symbols += len(change.source.symbols)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function)


class Reporter(Worker):
    """Shows how far things are. It starts first and ends last, and so sees everything."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally

    async def run(self) -> None:
        """Looks at the tally ten times a second, and once more at the end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        with display(sys.stderr) as shown:
            while await self.sleep(0.1):
                shown.show(self.tally, loop.time() - began)
            shown.show(self.tally, loop.time() - began)
