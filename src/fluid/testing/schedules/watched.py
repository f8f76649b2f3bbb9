"""Layers over a ready queue: what watches the steps of a run, and what strikes between them.

A run that is not watched has none of these, and pays nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from ..pending import callback_name
from .choosers import Recorder
from .queues import ReadyQueue
from .schedule import Strike

IsOver: TypeAlias = Callable[[], bool]
"""Says whether the scenario has ended. What the loop does after that is nobody's step."""


class Layer:
    """A queue over a queue, which passes everything on."""

    def __init__(self, queue: ReadyQueue, is_over: IsOver) -> None:
        self._queue = queue
        self.is_over: IsOver = is_over

    def append(self, handle: asyncio.Handle, /) -> None:
        """Adds one."""
        self._queue.append(handle)

    def split(self) -> None:
        """Says that what is added next comes from elsewhere than what was added before."""
        self._queue.split()

    def popleft(self) -> asyncio.Handle:
        """Takes the one that runs next."""
        return self._queue.popleft()

    def clear(self) -> None:
        """Forgets all."""
        self._queue.clear()

    def __len__(self) -> int:
        """Returns how many there are."""
        return len(self._queue)

    def __iter__(self) -> Iterator[asyncio.Handle]:
        """Yields them all, in the order in which FIFO would run them."""
        return iter(self._queue)


class Striking(Layer):
    """Counts the steps, and carries out the faults of a schedule before theirs.

    Attributes:
        steps: The steps so far.
        fired: The faults that struck; one that was not on offer at its step did not.
    """

    def __init__(
        self,
        queue: ReadyQueue,
        is_over: IsOver,
        strikes: Sequence[Strike],
        strike: Callable[[str], bool],
    ) -> None:
        super().__init__(queue, is_over)
        self._strike = strike
        self._due: dict[int, list[str]] = {
            at: [strike.fault for strike in strikes if strike.step == at]
            for at in {strike.step for strike in strikes}
        }
        self.steps: int = 0
        self.fired: list[str] = []

    def popleft(self) -> asyncio.Handle:
        """Takes the one that runs next, after what strikes before it."""
        if self.is_over():
            return self._queue.popleft()
        for fault in self._due.pop(self.steps, ()):  # once only, also if it raises
            self._queue.split()
            self.fired.append(fault)
            if not self._strike(fault):
                self.fired.pop()
            self._queue.split()
        self.steps += 1
        return self._queue.popleft()


class Step(NamedTuple):
    """A step that a run took."""

    number: int
    """It was the n-th of the run, counted from 0."""
    at_ns: int
    """When, in nanoseconds of virtual time."""
    label: str
    """The task or the callback."""
    scheduled_by: int
    """The number of the step that scheduled it; -1 for time and the world."""

    def __str__(self) -> str:
        source = f" (scheduled by step {self.scheduled_by})" if self.scheduled_by >= 0 else ""
        return f"step {self.number} at {self.at_ns / 1e9:.9g} s: {self.label}{source}"


class Traced(Layer):
    """Keeps the steps of a run, and a digest of all of them that any other run can be held to.

    Labels are names, never a ``repr`` or an ``id``: they have to be the same in every process.

    Args:
        keep: The last so many steps are kept; None for all.
    """

    def __init__(
        self,
        queue: ReadyQueue,
        is_over: IsOver,
        now_ns: Callable[[], int],
        recorder: Recorder,
        keep: int | None,
    ) -> None:
        super().__init__(queue, is_over)
        self._now_ns = now_ns
        self._recorder = recorder
        self._sources: dict[int, int] = {}
        self._hash = blake2b(digest_size=8)
        self.last: deque[Step] = deque(maxlen=keep)
        self._source = -1

    def append(self, handle: asyncio.Handle, /) -> None:
        """Adds one, and notes the step that did."""
        self._sources[id(handle)] = self._source
        self._queue.append(handle)

    def split(self) -> None:
        """Notes that no step adds what comes next."""
        self._queue.split()
        self._source = -1

    def popleft(self) -> asyncio.Handle:
        """Takes the one that runs next, and notes it."""
        if self.is_over():
            return self._queue.popleft()
        number = self._recorder.step
        handle = self._queue.popleft()
        label = "(cancelled)" if handle.cancelled() else callback_name(handle)
        step = Step(number, self._now_ns(), label, self._sources.pop(id(handle), -1))
        self._hash.update(f"{step}\n".encode())
        self.last.append(step)
        self._recorder.step = number + 1
        self._source = number
        return handle

    @property
    def digest(self) -> str:
        """What all the steps amount to."""
        return self._hash.hexdigest()
