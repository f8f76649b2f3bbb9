"""A tree of workers as JSON-able data of bounded size."""

from __future__ import annotations

from typing import Any

from ..worker.core import Core
from ..worker.group_core import GroupCore
from ..worker.tree import describe

MOST_SHOWN = 1000
"""Workers that are shown one by one, level by level from the root."""


def bounded_tree(root: Core, most: int = MOST_SHOWN) -> dict[str, Any]:
    """Returns a worker and those below it, the upper levels first if there are too many.

    It calls no ``status()`` and no other code of the user's.
    """
    tree = _node(root)
    level, room = [(root, tree)], most - 1
    while level:
        below: list[tuple[Core, dict[str, Any]]] = []
        for core, node in level:
            if not isinstance(core, GroupCore):
                continue
            children = [slot.core for slot in list(core.slots.values())]
            shown = [(child, _node(child)) for child in children[:room]]
            room -= len(shown)
            node["children"] = [each for _, each in shown]
            if len(shown) < len(children):
                node["left_out"] = len(children) - len(shown)
            below += shown
        level = below
    return tree


def _node(core: Core) -> dict[str, Any]:
    owner = core.owner()
    kind = "" if owner is None else type(owner).__name__
    facts = {} if owner is None else core.own_facts(owner)
    return {**describe(core), "path": core.path, "kind": kind, **facts, "children": []}
