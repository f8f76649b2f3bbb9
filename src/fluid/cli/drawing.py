"""A tree of workers as lines of text. Pure: data in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ..record import Record
from ..texts import one_line

Tree: TypeAlias = Mapping[str, Any]
"""What ``Worker.worker_tree()`` returns."""


class Branches(Record):
    """What a tree is drawn with."""

    child: str
    last: str
    """The last child of its parent."""
    beside: str
    """In front of what is below a child."""
    below: str
    """The same, below the last one."""


LINES = Branches("├─ ", "└─ ", "│  ", "   ")
ASCII = Branches("|- ", "`- ", "|  ", "   ")


def branches_for(encoding: str) -> Branches:
    """Returns what a stream of that encoding can show."""
    try:
        "".join(LINES.__dict__.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return LINES


def draw(tree: Tree, branches: Branches = LINES) -> list[str]:
    """Returns a line for each worker: its name, its kind, and how long its stop may take."""
    rows = [
        (f"{branch}{_name(node)}", one_line(node["kind"]), seconds(node["stop_bound"]))
        for branch, node in _walk(tree, branches)
    ]
    name_width, kind_width, bound_width = (
        max(map(len, column)) for column in zip(*rows, strict=True)
    )
    return [
        f"{name:{name_width}}  {kind:{kind_width}}  {bound:>{bound_width}}"
        for name, kind, bound in rows
    ]


def seconds(bound: float | None) -> str:
    """Returns how long a stop may take; None is for ever."""
    return "no limit" if bound is None else f"{bound:.1f} seconds"


def _walk(tree: Tree, branches: Branches) -> Iterator[tuple[str, Tree]]:
    """Yields each node of a tree, and what stands in front of its name."""
    waiting: list[tuple[str, str, Tree]] = [("", "", tree)]
    while waiting:
        branch, margin, node = waiting.pop()
        yield branch, node
        children = node["children"]
        for place, child in reversed(list(enumerate(children, 1))):
            is_last = place == len(children)
            waiting.append(
                (
                    margin + (branches.last if is_last else branches.child),
                    margin + (branches.below if is_last else branches.beside),
                    child,
                )
            )


def _name(node: Tree) -> str:
    """Returns the last part of a path; it is escaped, and has no slash of its own."""
    path: str = node["path"]
    return path.rpartition("/")[2]
