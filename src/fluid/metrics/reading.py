"""Reads the numbers off a tree of workers.

Nothing here calls code of the user's or changes anything, but that a consumer's own thread has a
look at its queue, as ``status()`` has. Any thread may read while the tree changes: each number is
one that was true at a moment of the reading, and no two of them need be of the same moment.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from ..health import Health
from ..health.tree import MOST_SHOWN
from ..worker.consumers.core import ConsumerCore
from ..worker.consumers.kinds import HandlingConsumer
from ..worker.core import Core
from ..worker.group_core import GroupCore
from ..worker.slot import Slot
from ..worker.supervision.core import SupervisorCore
from ..worker.supervision.dynamic import DynamicCore
from ..worker.supervision.slot import SupervisedSlot
from ..worker.timers.core import PeriodicCore
from .families import FAMILIES
from .family import Family, Reader
from .of_messages import CONSUMER, HANDLING
from .of_timers import TIMER
from .of_trees import CHILD, LEAF, PROCESS, SUPERVISOR, WORKER
from .subjects import Child, Handling, Messages, Process, Timer

SLICE = 20
"""Workers that are read at a time; that takes two tenths of a millisecond."""

Sample: TypeAlias = tuple[tuple[str, ...], float]
"""The values of the labels, and the number."""

Part: TypeAlias = list[tuple[Reader, list[Sample]]]
"""A part of the table: what reads a number, and where it goes."""


class Place(NamedTuple):
    """A worker that is shown."""

    core: Core
    slot: Slot | None
    """What its group knows of it; the root of what is looked at has none."""
    path: str


class Sheet:
    """The numbers of one reading, metric by metric.

    Args:
        health: The tree.
    """

    def __init__(self, health: Health) -> None:
        self.samples: dict[str, list[Sample]] = {family.name: [] for family in FAMILIES}
        """By the name of the metric."""
        self._health: Health = health
        self._mailboxes: set[int] = set()
        self._of_process: Part = self._part(PROCESS)
        self._of_worker: Part = self._part(WORKER)
        self._of_leaf: Part = self._part(LEAF)
        self._of_child: Part = self._part(CHILD)
        self._of_supervisor: Part = self._part(SUPERVISOR)
        self._of_consumer: Part = self._part(CONSUMER)
        self._of_handling: Part = self._part(HANDLING)
        self._of_timer: Part = self._part(TIMER)

    def _part(self, families: tuple[Family, ...]) -> Part:
        return [(family.read, self.samples[family.name]) for family in families]

    def read(self) -> None:
        """Reads all of it."""
        for _ in self.reading():
            pass

    def reading(self) -> Iterator[None]:
        """Reads it slice by slice."""
        worker = self._health.worker
        shown = 0
        if worker is not None:
            for place in _shown(worker._worker):
                self._read_worker(place)
                shown += 1
                if not shown % SLICE:
                    yield
        self._read_process(shown)

    def _read_process(self, shown: int) -> None:
        health = self._health
        report, is_ready = health.report(), health.is_ready()
        left_out = max(sum(report.workers.values()) - shown, 0)
        process = Process(_version(), report, is_ready, health.stalls, left_out)
        _write(self._of_process, process)

    def _read_worker(self, place: Place) -> None:
        core, slot, path = place
        _write(self._of_worker, core, path)
        if not isinstance(core, GroupCore):
            _write(self._of_leaf, core, path)
        if isinstance(slot, SupervisedSlot):
            _write(self._of_child, Child(slot, _now_above(core)), path)
        match core:
            case ConsumerCore():
                self._read_mailbox(core, path)
            case PeriodicCore():
                _write(self._of_timer, Timer(core, core.totals(), core.tally), path)
            case SupervisorCore():
                _write(self._of_supervisor, core, path)

    def _read_mailbox(self, core: ConsumerCore, path: str) -> None:
        """Reads a mailbox, once; it belongs to the first of those who share it."""
        if id(core.mailbox) in self._mailboxes:
            return
        self._mailboxes.add(id(core.mailbox))
        has_handler = isinstance(core.owner(), HandlingConsumer)
        facts = core.handling_facts() if has_handler else {}  # first, because it has a look
        totals = core.totals()
        _write(self._of_consumer, Messages(totals, core.mailbox.account()), path)
        if has_handler:
            _write(self._of_handling, Handling(totals, facts), path)


def _write(part: Part, subject: Any, *labels: str) -> None:
    for read, samples in part:
        value = read(subject)
        if isinstance(value, dict):
            for key, number in value.items():
                samples.append(((*labels, key), number))
        elif value is not None:
            samples.append((labels, value))


def _shown(root: Core) -> Iterator[Place]:
    """Yields those who have metrics of their own, level by level from the root.

    No child of a dynamic supervisor has, for its name will never come again; a server of metrics
    would have to remember all of them.
    """
    waiting = deque([Place(root, None, root.path)])
    room = MOST_SHOWN - 1
    while waiting:
        place = waiting.popleft()
        yield place
        core, path = place.core, place.path
        if not isinstance(core, GroupCore) or isinstance(core, DynamicCore):
            continue
        slots = list(core.slots.values())  # at once: the loop may add a child meanwhile
        below = [Place(slot.core, slot, f"{path}/{slot.core.key}") for slot in islice(slots, room)]
        room -= len(below)
        waiting.extend(below)


def _now_above(core: Core) -> float:
    parent = core.parent()
    return parent.now() if isinstance(parent, SupervisorCore) else 0.0


def _version() -> str:
    return getattr(sys.modules[__name__.partition(".")[0]], "__version__", "")
