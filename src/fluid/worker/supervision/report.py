"""What a supervisor can tell about its children: as records, as numbers, and as a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ...record import Record
from ...rules.restart import Restart
from ...texts import one_line
from ..group_core import GroupCore
from ..slot import ChildState

if TYPE_CHECKING:
    from ..base import Worker
    from .slot import SupervisedSlot


class ChildInfo(Record):
    """What a supervisor knows about one child."""

    id: str
    """The last part of its path."""
    worker: Worker
    """The present incarnation, or the last one."""
    state: ChildState
    """Where it is: a supervisor's own view, over all incarnations."""
    restart: Restart
    """When it is restarted."""
    significant: bool
    """Whether the supervisor may end with it."""
    restarts: int
    """How many times it was started again."""
    restart_in: float | None
    """Seconds until it may be started again; None unless it waits for that."""
    last_error: str | None
    """Why it ended the last time that it did not end well, in one line."""


class ChildCounts(NamedTuple):
    """How many children a supervisor has."""

    specs: int
    """Places, whether their workers run or not."""
    active: int
    """Those whose workers have begun and not ended; who waits for a restart is not active."""
    groups: int
    """Places of groups and supervisors."""
    workers: int
    """Places of single workers."""


def info_of(slot: SupervisedSlot, now: float) -> ChildInfo:
    """Returns the record of a place."""
    return ChildInfo(
        id=slot.core.key,
        worker=slot.child,
        state=slot.state,
        restart=slot.spec.restart,
        significant=slot.spec.significant,
        restarts=slot.restarts,
        restart_in=slot.restart_in(now),
        last_error=slot.last_error or None,
    )


def count(slots: Iterable[SupervisedSlot]) -> ChildCounts:
    """Returns the numbers of children."""
    each = list(slots)
    groups = sum(isinstance(slot.core, GroupCore) for slot in each)
    active = sum(slot.is_alive for slot in each)
    return ChildCounts(specs=len(each), active=active, groups=groups, workers=len(each) - groups)


def draw(tree: dict[str, Any]) -> str:
    """Draws ``worker_tree()`` in plain characters, one line a worker.

    Without recursion: nobody's tree is too deep.
    """
    return "\n".join(_lines(tree))


def _lines(tree: dict[str, Any]) -> Iterator[str]:
    waiting = [(tree, "", "")]
    while waiting:
        node, branch, below = waiting.pop()
        yield f"{branch}{_key(node)}  {', '.join(_facts(node))}"
        children: list[dict[str, Any]] = node["children"]
        inner = [
            (child, f"{below}{'`-- ' if last else '|-- '}", f"{below}{'    ' if last else '|   '}")
            for child, last in zip(children, [False] * (len(children) - 1) + [True], strict=False)
        ]
        waiting.extend(reversed(inner))


def _key(node: dict[str, Any]) -> str:
    key: str = node["path"].rpartition("/")[2]
    return key


def _facts(node: dict[str, Any]) -> Iterator[str]:
    """Yields what is worth saying of a worker, in the order in which a reader asks for it."""
    known = node.get("supervised", {})
    state = known.get("state", node["state"])
    if (wait := known.get("restart_in")) is not None:
        yield f"{state} in {seconds(wait)}"
    elif "uptime" in node:
        yield f"{state} for {seconds(node['uptime'])}"
    elif "exit" in node:
        yield f"{state} ({one_line(node['exit']['reason'])})"
    else:
        yield state
    if restarts := known.get("restarts"):
        yield f"restarted {restarts} times" if restarts > 1 else "restarted once"
    if last_error := known.get("last_error"):
        yield f"last {last_error}"


def seconds(duration: float) -> str:
    """Returns ``12.4s``, ``3m 5s``, ``2h 0m`` or ``5d 3h``."""
    if duration < 60:
        return f"{duration:.1f}s"
    minutes, left = divmod(int(duration), 60)
    if minutes < 60:
        return f"{minutes}m {left}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"
