"""The commands. Without one: indexes the standard library, and searches it."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fluid

from .app import indexer
from .progress import Tally, summary
from .search import Hit, emphasized, search_symbols, search_texts, unmarked
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
    return _print_hits(search_texts, DEMO_WORDS, options.db, folder=str(library), limit=5)


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


def standard_library() -> Path:
    """Returns the folder of the running interpreter's standard library."""
    return Path(sysconfig.get_path("stdlib"))


def default_database() -> Path:
    """Returns the place of the user's index: it can be made again, so it is a cache."""
    match sys.platform:
        case "darwin":
            caches = Path.home() / "Library" / "Caches"
        case "win32":
            caches = Path(os.environ.get("LOCALAPPDATA") or Path.home())
        case _:
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "fluid-codesearch" / "index.db"


def _parser() -> argparse.ArgumentParser:
    database = argparse.ArgumentParser(add_help=False)
    # Both before and after the command; the default must not undo what stood before.
    database.add_argument(
        "--db", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="the index"
    )
    parser = argparse.ArgumentParser(
        prog="codesearch",
        description="Searches Python source. Without a command: indexes the standard library, "
        "and searches it.",
        parents=[database],
    )
    parser.set_defaults(command=_demo, db=default_database())
    commands = parser.add_subparsers(title="commands")

    index = commands.add_parser("index", parents=[database], help="bring the index up to date")
    index.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files and folders; the standard library if there is none",
    )
    index.set_defaults(command=_index)

    search = commands.add_parser("search", parents=[database], help="search the index")
    search.add_argument("words", nargs="+", metavar="WORD", help="what has to be in the file")
    search.add_argument("--symbol", action="store_true", help="search names of classes, functions")
    search.add_argument("--under", type=Path, metavar="PATH", help="only what is in this folder")
    search.add_argument("--limit", type=int, default=10, metavar="N", help="how many (10)")
    search.set_defaults(command=_search)
    return parser


if __name__ == "__main__":
    sys.exit(main())
