"""The commands. Without one: indexes the standard library, and searches it."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import fluid
from fluid import cli

from .index import indexer
from .places import DATABASE_VARIABLE, default_database, standard_library
from .progress import Tally, contents, summary
from .scan import is_in
from .search import Hit, emphasized, search_symbols, search_texts, unmarked
from .store import Store, UnusableIndexError

DEMO_WORDS = ["TaskGroup", "create_task"]


def main(arguments: list[str] | None = None) -> int:
    """Does what the arguments of the command line say, and returns the exit code.

    0: done, also if some files were not fit to be indexed, or it was interrupted and ended in good
    order. 1: something failed, or nothing was found. 2: this cannot be done.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (FileNotFoundError, UnusableIndexError, sqlite3.Error) as error:
        print(f"codesearch: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # of `search … | head`; Python would come across it again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:  # not while fluid.run() is there to take the signal as a request
        return 130


def _demo(options: argparse.Namespace) -> int:
    library = standard_library().resolve()
    print(f"$ python -m examples.codesearch index {library}", flush=True)
    tally = _run([library], options.db)
    if tally.is_complete:
        print(f"$ python -m examples.codesearch search {' '.join(DEMO_WORDS)}", flush=True)
        _print_hits(search_texts, DEMO_WORDS, options.db, folder=str(library), limit=5)
    return 0


def _index(options: argparse.Namespace) -> int:
    _run(options.paths or [standard_library()], options.db)
    return 0


def _run(paths: list[Path], database: Path) -> Tally:
    began = time.perf_counter()
    roots = [path.resolve() for path in paths]
    with Store.open(database) as store:
        known = store.known(str(root) for root in roots)
    for root in roots:
        # A folder that has been deleted since is no mistake: it leaves the index.
        if not root.exists() and not any(is_in(path, {str(root)}) for path in known):
            raise FileNotFoundError(f"no such file or folder: {root}")
    tally = Tally()
    try:
        fluid.run(indexer(roots, database, tally))
    finally:
        seconds = time.perf_counter() - began
        with Store.open(database) as store:
            print(*summary(tally, seconds), sep="\n")
            print(contents(store.totals(), database), flush=True)
    return tally


def _watch(options: argparse.Namespace) -> NoReturn:
    """Does what ``fluid run examples.codesearch.watch:watch -- PATH...`` does."""
    os.environ[DATABASE_VARIABLE] = str(options.db)
    cli.main(["run", "examples.codesearch.watch:watch", "--", *options.paths])


def _search(options: argparse.Namespace) -> int:
    folder = "" if options.under is None else str(options.under.resolve())
    search = search_symbols if options.symbol else search_texts
    return _print_hits(search, options.words, options.db, folder=folder, limit=options.limit)


def _print_hits(
    search: Callable[..., Iterator[Hit]],
    words: list[str],
    database: Path,
    *,
    folder: str,
    limit: int,
) -> int:
    style = emphasized if sys.stdout.isatty() else unmarked
    nothing = True
    with Store.open(database, create=False) as store:
        for hit in search(store, words, folder=folder, limit=limit):
            print(f"{_shortened(hit.path)}:{hit.line}: {style(hit.text)}")
            nothing = False
    if nothing:
        print(f"nothing found for {' '.join(words)}", file=sys.stderr)
    return int(nothing)


def _shortened(path: str) -> str:
    """Returns a path as seen from here, if it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if here in Path(path).parents else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codesearch",
        description="Searches Python source. Without a command, indexes the standard library and "
        "searches it.",
    )
    _add_database(parser, default_database())
    parser.set_defaults(command=_demo)
    commands = parser.add_subparsers(title="commands", metavar="index | watch | search")

    index = commands.add_parser("index", help="bring the index up to date")
    _add_database(index, argparse.SUPPRESS)
    index.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="default: the standard library"
    )
    index.set_defaults(command=_index)

    watch = commands.add_parser("watch", help="keep the index current")
    _add_database(watch, argparse.SUPPRESS)
    watch.add_argument("paths", nargs="*", metavar="FOLDER", help="default: the one we are in")
    watch.set_defaults(command=_watch)

    search = commands.add_parser("search", help="search the index")
    _add_database(search, argparse.SUPPRESS)
    search.add_argument("words", nargs="+", metavar="WORD", help="has to be in the file")
    search.add_argument("--symbol", action="store_true", help="or in a name that it defines")
    search.add_argument("--under", type=Path, metavar="PATH", help="only below this folder")
    search.add_argument("--limit", type=int, default=10, metavar="N", help="answers, 10 by default")
    search.set_defaults(command=_search)
    return parser


def _add_database(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument("--db", type=Path, metavar="FILE", default=default, help="the index")


if __name__ == "__main__":
    sys.exit(main())
