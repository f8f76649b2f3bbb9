"""The ready queue, by policy: which of the callbacks that are ready runs next.

A queue has what an event loop asks of the ``deque`` it stands for (``append``, ``popleft``,
``clear``, ``len``, ``iter``), and :meth:`split`, by which the loop says that what follows has
nothing to do with the step before. What a step is, and when time moves, is none of a queue's
business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Protocol

from .choosers import Chooser
from .schedule import Policy

READY = "next"
"""What is chosen in a queue, in the words of a report."""


class ReadyQueue(Protocol):
    """The callbacks that are ready."""

    def append(self, handle: asyncio.Handle, /) -> None:
        """Adds one."""

    def popleft(self) -> asyncio.Handle:
        """Takes the one that runs next."""

    def split(self) -> None:
        """Says that what is added next comes from elsewhere than what was added before."""

    def clear(self) -> None:
        """Forgets all."""

    def __len__(self) -> int:
        """Returns how many there are."""

    def __iter__(self) -> Iterator[asyncio.Handle]:
        """Yields them all, in the order in which FIFO would run them."""


class FifoQueue(deque[asyncio.Handle]):
    """First in, first out."""

    __slots__ = ()

    def split(self) -> None:
        """Does nothing: the order is the same wherever they come from."""


class SourceQueue:
    """Any source, and of that source the first: what one step has scheduled keeps its order."""

    __slots__ = ("_choose", "_count", "_open", "_sources")

    def __init__(self, choose: Chooser) -> None:
        self._choose = choose
        self._sources: list[deque[asyncio.Handle]] = []  # oldest first, so 0 is FIFO's choice
        self._open: deque[asyncio.Handle] | None = None
        self._count = 0

    def append(self, handle: asyncio.Handle, /) -> None:
        """Adds one to the source that is open."""
        if self._open is None:
            self._open = deque()
            self._sources.append(self._open)
        self._open.append(handle)
        self._count += 1

    def popleft(self) -> asyncio.Handle:
        """Takes the first of any source, and opens another source."""
        sources = self._sources
        index = self._choose.pick(len(sources), READY) if len(sources) > 1 else 0
        source = sources[index]
        handle = source.popleft()
        if not source:
            del sources[index]
        self._open = None
        self._count -= 1
        return handle

    def split(self) -> None:
        """Opens another source."""
        self._open = None

    def clear(self) -> None:
        """Forgets all."""
        self._sources.clear()
        self._open = None
        self._count = 0

    def __len__(self) -> int:
        """Returns how many there are."""
        return self._count

    def __iter__(self) -> Iterator[asyncio.Handle]:
        """Yields them all, oldest first."""
        return chain.from_iterable(self._sources)


class RandomQueue(list[asyncio.Handle]):
    """Any of them."""

    __slots__ = ("_choose",)

    def __init__(self, choose: Chooser) -> None:
        super().__init__()
        self._choose = choose

    def popleft(self) -> asyncio.Handle:
        """Takes any."""
        return self.pop(self._choose.pick(len(self), READY) if len(self) > 1 else 0)

    def split(self) -> None:
        """Does nothing: they run in any order anyway."""


def queue_for(policy: Policy, choose: Chooser) -> ReadyQueue:
    """Returns an empty queue of that policy."""
    match policy:
        case Policy.SOURCE:
            return SourceQueue(choose)
        case Policy.RANDOM:
            return RandomQueue(choose)
        case _:
            return FifoQueue()
