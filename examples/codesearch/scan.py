"""Finds the Python files below some folders, and tells which of them have changed.

Plain functions; when they run, and on which thread, is up to ``app.py``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .parse import Trouble

SUFFIXES = (".py", ".pyi", ".pyw")

SKIPPED_FOLDERS = {"__pycache__", "dist-packages", "node_modules", "site-packages"}
"""Not searched, nor is anything that begins with a dot, unless it is what the user asked for."""

MAX_BYTES = 1_000_000
"""A larger file is not indexed: nobody has written it by hand. One of this size is parsed in a few
tenths of a second, which is what a stop may have to wait for."""

Stamp = tuple[int, int]
"""The size of a file in bytes and the time of its last change in nanoseconds."""


class SourceFile(NamedTuple):
    """A file that can be indexed."""

    path: str
    """Absolute."""
    name: str
    """The path below the folder that the user named: what a search by file name looks at."""
    stamp: Stamp
    """Taken before the file is read, so that a change meanwhile shows in the next run."""


class Problem(NamedTuple):
    """A file or folder, and what is the matter with it."""

    trouble: Trouble
    path: str
    detail: str


@dataclass(frozen=True)
class Listing:
    """What a look at the disk has shown, compared with the index."""

    found: int
    """Files that are there and can be indexed."""
    changed: list[SourceFile]
    """Those of them that are new or different."""
    gone: list[str]
    """Paths that are in the index and should not be any more."""


def find(
    roots: Iterable[Path], paths: Collection[str] | None = None
) -> Iterator[SourceFile | Problem]:
    """Yields each Python file at or below ``roots``, and what is in the way of looking.

    Args:
        roots: What the user has named.
        paths: If given, only what is at or below one of them: where something has changed.
    """
    for root in map(str, roots):
        for path in (root,) if paths is None else paths:
            if _is_searched(path, root):
                yield from _walk(path, root)


def _is_searched(path: str, root: str) -> bool:
    """Tells whether a search of ``root`` comes to ``path``, if there is such a thing."""
    if not is_in(path, {root}):
        return False
    while path != root:
        path, name = os.path.split(path)
        if _is_skipped(name) or _is_linked_folder(os.path.join(path, name)):  # noqa: PTH118
            return False
    return True


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED_FOLDERS


def _is_linked_folder(path: str) -> bool:
    return os.path.islink(path) and os.path.isdir(path)  # noqa: PTH112, PTH114


def _walk(path: str, root: str) -> Iterator[SourceFile | Problem]:
    folders = [path]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except FileNotFoundError:  # deleted meanwhile, or before; the index will have to follow
            continue
        except NotADirectoryError:
            if folder == root:
                yield _look_at(folder, Path(folder).name)
            elif folder.endswith(SUFFIXES):
                yield _look_at(folder, os.path.relpath(folder, root))
            continue
        except OSError as error:
            yield Problem(Trouble.UNREADABLE, _printable(folder), error.strerror or str(error))
            continue
        for entry in entries:
            if _is_skipped(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name.endswith(SUFFIXES):
                yield _look_at(entry.path, os.path.relpath(entry.path, root))


def _look_at(path: str, name: str) -> SourceFile | Problem:
    try:
        path.encode()
        status = os.stat(path)  # noqa: PTH116 - ten thousand times, and nothing else of pathlib's
    except UnicodeEncodeError:
        return Problem(Trouble.UNREADABLE, _printable(path), "its name is not text")
    except OSError as error:
        return Problem(Trouble.UNREADABLE, path, error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for whoever writes to it
        return Problem(Trouble.UNREADABLE, path, "not a regular file")
    if status.st_size > MAX_BYTES:
        return Problem(Trouble.HUGE, path, f"{status.st_size:,} bytes; the limit is {MAX_BYTES:,}")
    return SourceFile(path, name, (status.st_size, status.st_mtime_ns))


def _printable(path: str) -> str:
    return os.fsencode(path).decode(errors="replace")


def compare(
    items: Iterable[SourceFile | Problem], known: Mapping[str, Stamp], paths: Iterable[str]
) -> Listing:
    """Compares all that :func:`find` has yielded for ``paths`` with the files that the index knows.

    What could not be looked at is left in the index as it is: not seen is not gone.
    """
    files: dict[str, SourceFile] = {}
    unseen: set[str] = set()
    for item in items:
        if isinstance(item, SourceFile):
            files[item.path] = item
        elif item.trouble is Trouble.UNREADABLE:
            unseen.add(item.path)
    tops = set(paths)
    return Listing(
        found=len(files),
        changed=[file for file in files.values() if known.get(file.path) != file.stamp],
        gone=[
            path
            for path in known
            if path not in files and is_in(path, tops) and not is_in(path, unseen)
        ],
    )


def is_in(path: str, folders: Set[str]) -> bool:
    """Tells whether ``path`` is one of ``folders``, or in one of them at any depth."""
    return path in folders or any(str(parent) in folders for parent in Path(path).parents)
