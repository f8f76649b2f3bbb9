"""The commands. Without one: indexes the standard library, and searches it."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import sysconfig
import time
from pathlib import Path

import fluid

from .app import indexer
from .progress import Tally, summary
from .search import emphasized, search_symbols, search_texts, unmarked
from .store import Store, UnusableIndexError

DEMO_WORDS = ["taskgroup", "create_task"]


def main(arguments: list[str] | None = None) -> int:
    """Does what the arguments of the command line say, and returns the exit code.

    0: done, also if some files were not fit to be indexed, or if it was interrupted in good order.
    1: something failed, or nothing was found. 2: this cannot be done.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (UnusableIndexError, sqlite3.Error) as error:
        print(f"codesearch: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # as in `search … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:  # outside of fluid.run(), which takes the signal as a request
        return 130


def _demo(options: argparse.Namespace) -> int:
    library = standard_library()
    print(f"$ python -m examples.codesearch index {library}", flush=True)
    tally = _run([library], options.db)
    if tally.left or tally.listing is None:
        return 0
    print(f"$ python -m examples.codesearch search {' '.join(DEMO_WORDS)}")
    return _print_hits(DEMO_WORDS, options.db, folder=library, limit=5)


def _index(options: argparse.Namespace) -> int:
    _run(options.paths or [standard_library()], options.db)
    return 0


def _run(paths: list[Path], database: Path) -> Tally:
    began = time.perf_counter()
    roots = [path.absolute() for path in paths]
    with Store.open(database) as store:
        known = store.known()
    tally = Tally()
    try:
        fluid.run(indexer(roots, database, known, tally))
    finally:
        seconds = time.perf_counter() - began
        with Store.open(database) as store:
            print(*summary(tally, store.totals(), seconds), sep="\n", flush=True)
    return tally


def _search(options: argparse.Namespace) -> int:
    return _print_hits(options.words, options.db, folder=options.under, limit=options.limit, symbol=options.symbol)
