"""What the tests of ``examples/codesearch`` are played with: source trees, and indexes."""

from __future__ import annotations

from pathlib import Path

from examples.codesearch.parse import Source, Symbol
from examples.codesearch.scan import SourceFile
from examples.codesearch.search import Hit, search_symbols, search_texts, unmarked
from examples.codesearch.store import Keep, Store


def write(folder: Path, **texts: str) -> None:
    """Writes modules; ``a__b`` is module b in package a."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def in_index(database: Path) -> set[str]:
    with Store.open(database) as store:
        return {Path(path).stem for path in store.known(["/"])}


def a_file(path: str, stamp: tuple[int, int] = (1, 1)) -> SourceFile:
    return SourceFile(path, path.rpartition("/")[2], stamp)


def keep(path: str, text: str, *symbols: tuple[str, int]) -> Keep:
    source = Source(text, tuple(Symbol(*symbol) for symbol in symbols))
    return Keep(SourceFile(path, Path(path).name, (len(text), 1)), source, text.count("\n"))


def found(store: Store, *words: str, folder: str = "", limit: int = 10) -> list[str]:
    hits = search_texts(store, list(words), folder=folder, limit=limit)
    return [f"{hit.path}:{hit.line}: {unmarked(hit.text)}" for hit in hits]


def defined(store: Store, *words: str, folder: str = "", limit: int = 10) -> list[Hit]:
    return list(search_symbols(store, list(words), folder=folder, limit=limit))
