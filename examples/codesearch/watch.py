"""Keeps the index current: ``fluid run examples.codesearch.watch:watch -- FOLDER...``.

A watcher is a scanner that goes on: what the operating system says has changed, it looks at again,
by the same rules, and has it parsed and written by the same workers. It asks for the next changes
when these are in the index, so that no text can overtake a newer one of the same file. A change
that comes meanwhile, also to a file that is just being parsed, is among the next.

Notices only say where to look. So it makes no difference whether a folder was unpacked, renamed
or deleted, and when anything fails, the supervisor begins anew, with a look at everything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from fluid import Pipeline, Supervisor

from .app import Parsers, Scanner, Writer
from .notices import Notices, check
from .places import default_database
from .progress import Tally, count, problem_line
from .scan import Listing, Stamp, is_in

logger = logging.getLogger("codesearch")

MANY = 1000
"""If more than this has changed at once, it looks everywhere: that is no slower, and after so much
at once the operating system may have forgotten some of it."""

DIFFERENT: Stamp = (-1, -1)
"""The stamp of no file."""


def watch(*folders: str) -> Supervisor:
    """Returns what keeps the index of some folders current; by default, of the one we are in.

    The index is the file that the environment variable ``CODESEARCH_DB`` names, or the user's.

    Raises:
        FileNotFoundError: If one of them is not a folder. The watcher would say so as well, but
            not in one line.
    """
    roots = [Path(folder).resolve() for folder in folders or ["."]]
    check(roots)
    return Supervisor(lambda: follower(roots, default_database()), name="codesearch")


def follower(
    roots: Sequence[Path],
    database: Path,
    listen: Callable[[Sequence[Path]], Notices] = Notices,
) -> Pipeline:
    """Returns the pipeline that keeps ``database`` up to date with what is below ``roots``.

    Args:
        roots: Absolute paths of folders.
        database: Where the index is.
        listen: Makes what tells of changes.
    """
    tally = Tally()
    writer = Writer(database, tally)
    parsers = Parsers(writer, tally)
    return Pipeline(Watcher(roots, parsers, writer, tally, listen), parsers, writer, name="index")


class Watcher(Scanner):
    """Has everything brought up to date, and from then on all that changes."""

    def __init__(
        self,
        roots: Sequence[Path],
        parsers: Parsers,
        writer: Writer,
        tally: Tally,
        listen: Callable[[Sequence[Path]], Notices],
    ) -> None:
        super().__init__(roots, parsers, writer, tally)
        self.listen = listen

    async def on_startup(self) -> None:
        """Begins to listen, before the first look, so that no change falls between the two."""
        self.notices = await asyncio.to_thread(self.listen, self.roots)

    async def run(self) -> None:
        """Looks at everything, then where something has changed, until a stop is asked for."""
        everywhere = {str(root) for root in self.roots}
        await self._follow(everywhere, await self.writer.known(everywhere))
        if self.is_running():
            files = count((await self.writer.totals()).files, "file")
            logger.info("watching %s: %s in the index", count(len(self.roots), "folder"), files)
        while changed := await self.wait_or_stop(self.notices.wait()):
            paths = everywhere if len(changed) > MANY else changed
            known = await self.writer.known(paths)
            # Whatever its stamp says: the disk's clock may not tell two quick changes apart.
            known.update(dict.fromkeys(known.keys() & changed, DIFFERENT))
            await self._follow(paths, known)

    async def _follow(self, paths: Collection[str], known: Mapping[str, Stamp]) -> None:
        """Brings ``paths`` up to date, and says so."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.update(paths, known)
        tally = self.tally
        for problem in tally.problems:
            logger.warning(problem_line(problem))
        if tally.is_complete and tally.listing is not None and tally.written + tally.removed:
            logger.info(
                "%s changed: %s indexed, %s removed, in %.2f seconds",
                self._changed(tally.listing),
                count(tally.written, "file"),
                f"{tally.removed:,}",
                loop.time() - began,
            )
        tally.clear()

    def _changed(self, listing: Listing) -> str:
        """Returns what has changed, in words: the name of a file, and how many others."""
        paths = [*(file.path for file in listing.changed), *listing.gone]
        root = next(root for root in self.roots if is_in(paths[0], {str(root)}))
        others = f" and {count(len(paths) - 1, 'other')}" if len(paths) > 1 else ""
        return f"{Path(paths[0]).relative_to(root)}{others}"
