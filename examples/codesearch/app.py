"""The workers. This is the file that is about fluid.

A scanner lists the files that have changed and sends them to a pool of parsers, which have them
parsed by processes of their own, and send the result to a writer, who puts many of them into one
transaction. ``index.py`` makes a pipeline of them that ends when everything is in the index;
``watch.py`` makes one that goes on.

A pipeline stops from the source to the sink: each is asked to stop only when nobody is left who
could send it anything. On Ctrl-C the scanner sends nothing more, and the parsers give back what
they have, queued or in hand. It takes no bookkeeping to do so: a file that is not in the index is
one that the next run finds to be new. What has been parsed is written.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from fluid import BatchConsumer, QueueConsumerWorker, Worker

from .parse import Source, Trouble
from .process import ParserProcess
from .progress import Tally
from .scan import Problem, SourceFile, Stamp, compare, find
from .store import Change, Forget, Keep, Store, Totals

T = TypeVar("T")

LISTED_AT_ONCE = 500
"""Files for which the scanner goes to a thread, and after which it looks whether it has to stop."""
QUEUED = 64
"""Files that wait for a parser, at the most."""
WRITTEN_AT_ONCE = 64
"""Files in one transaction, at the most: some 40 ms of work."""
PARSERS = min(os.cpu_count() or 1, 8)
GRACE, CLEANUP = 3.0, 2.0
"""Seconds that a worker has to stop, and to clean up. Nobody should need a tenth of that, but all
of them, one after the other, have to be within the 25 seconds of the process."""


class Scanner(Worker):
    """Finds out what there is to do, sends it, and ends when it is done."""

    cleanup_period = CLEANUP

    def __init__(
        self, roots: Sequence[Path], parsers: Parsers, writer: Writer, tally: Tally
    ) -> None:
        super().__init__(stopping_grace_period=GRACE)
        self.roots = roots
        self.parsers, self.writer, self.tally = parsers, writer, tally

    async def run(self) -> None:
        """Brings everything up to date."""
        paths = [str(root) for root in self.roots]
        await self.update(paths, await self.writer.known(paths))

    async def update(self, paths: Collection[str], known: Mapping[str, Stamp]) -> None:
        """Lists the files below ``paths``, sends those that changed, and waits until it is done.

        A stop ends each of these waits, and with it the sending.
        """
        items = await self._find(paths)
        if not self.is_running():
            return
        listing = await asyncio.to_thread(compare, items, known, paths)
        self.tally.problems.extend(item for item in items if isinstance(item, Problem))
        self.tally.listing = listing
        for path in listing.gone:
            await self.wait_or_stop(self.writer.put(Forget(path)))
        for file in listing.changed:
            if not self.is_running():
                return
            await self.wait_or_stop(self.parsers.put(file))
        await self.wait_or_stop(self.parsers.join())
        await self.wait_or_stop(self.writer.join())
        self.tally.is_complete = self.is_running()

    async def _find(self, paths: Collection[str]) -> list[SourceFile | Problem]:
        items: list[SourceFile | Problem] = []
        search = find(self.roots, paths)
        while self.is_running():
            some = await asyncio.to_thread(lambda: list(islice(search, LISTED_AT_ONCE)))
            if not some:
                break
            items += some
            self.tally.seen = len(items)
        return items


class Parsers(QueueConsumerWorker[SourceFile]):
    """Has files parsed, several at once, and sends what is in them on."""

    cleanup_period = CLEANUP

    def __init__(self, writer: Writer, tally: Tally) -> None:
        super().__init__(concurrency=PARSERS, maxsize=QUEUED, stopping_grace_period=GRACE)
        self.writer, self.tally = writer, tally
        self.idle = [ParserProcess() for _ in range(PARSERS)]

    async def on_startup(self) -> None:
        """Sees to it that the processes end with the worker."""
        for process in self.idle:
            self.worker_exit_stack.push_async_callback(process.end)

    async def on_message(self, file: SourceFile) -> None:
        """Has a file parsed by a process that has nothing else to do."""
        process = self.idle.pop()
        source = await self.wait_or_stop(process.parse(file.path))
        if source is None:  # a stop was asked for; the process is going to be killed
            self.tally.returned += 1
            return
        self.idle.append(process)
        await self._send_on(file, source)

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

    cleanup_period = CLEANUP

    def __init__(self, database: Path, tally: Tally) -> None:
        super().__init__(
            size=WRITTEN_AT_ONCE, age=0, maxsize=WRITTEN_AT_ONCE, stopping_grace_period=GRACE
        )
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

    async def known(self, paths: Collection[str]) -> dict[str, Stamp]:
        """Returns what the index has at or below ``paths``."""
        return await self._in_thread(lambda: self.store.known(paths))

    async def totals(self) -> Totals:
        """Returns what the whole index holds."""
        return await self._in_thread(self.store.totals)

    def _count(self, changes: list[Change], removed: int) -> None:
        self.tally.removed += removed
        for change in changes:
            if isinstance(change, Keep):
                self.tally.written += 1
                self.tally.lines += change.lines
                self.tally.symbols += len(change.source.symbols)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function)
